# SPDX-License-Identifier: Apache-2.0
"""Which lines the service manager keeps, and that copies are closed exactly once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from agent.service.line_store import LineStore, _key, _name
from agent.service.notifier import Notifier
from native import GuardedLine

if TYPE_CHECKING:
    import pytest


class Told(Notifier):
    """Notes what is told, in order."""

    def __init__(self) -> None:
        super().__init__("/manager")
        self.words: list[str] = []

    def keep(self, name: str, descriptor: int) -> bool:
        self.words.append(f"keep {name}")
        return True

    def forget(self, name: str) -> None:
        self.words.append(f"forget {name}")

    def wait(self, within_s: float = 5.0) -> bool:
        self.words.append("wait")
        return True


def opened() -> int:
    return os.open("/dev/null", os.O_RDONLY)


def is_open(descriptor: int) -> bool:
    return os.path.exists(f"/proc/self/fd/{descriptor}")


def test_only_maintained_lines_are_kept() -> None:
    told = Told()
    LineStore(told).keep([GuardedLine("button", 5), GuardedLine("chip:4:rail", 6, maintained=True)])
    assert told.words == ["keep line.chip%3A4%3Arail"]


def test_what_the_guard_held_wins_and_the_copy_is_closed() -> None:
    guard, copy, only_stored = opened(), opened(), opened()
    store = LineStore(Told(), [("line.a", copy), ("line.b", only_stored)])
    taken = store.take({"a": guard})
    assert taken == {"a": guard, "b": only_stored}
    assert not is_open(copy)
    for descriptor in taken.values():
        os.close(descriptor)


def test_foreign_and_doubled_names_are_closed() -> None:
    foreign, first, second = opened(), opened(), opened()
    store = LineStore(Told(), [("socket", foreign), ("line.a", first), ("line.a", second)])
    assert store.take({}) == {"a": first}
    assert not is_open(foreign)
    assert not is_open(second)
    os.close(first)


def test_a_line_that_is_kept_already_is_not_sent_again() -> None:
    told, kept = Told(), opened()
    store = LineStore(told, [("line.a", kept)])
    store.keep([GuardedLine("a", kept, maintained=True), GuardedLine("b", kept, maintained=True)])
    assert told.words == ["keep line.b"]
    os.close(store.take({})["a"])


def test_lines_are_let_go_before_their_requests_are_closed() -> None:
    told, kept = Told(), opened()
    store = LineStore(told, [("line.a", kept)])
    store.let_go(["a", "never kept"])
    assert told.words == ["forget line.a", "wait"]
    told.words.clear()
    store.let_all_go()
    assert told.words == []
    os.close(store.take({})["a"])


def test_what_no_board_takes_is_given_back() -> None:
    told, kept = Told(), opened()
    store = LineStore(told, [("line.a", kept)])
    store.let_unclaimed_go()
    assert not is_open(kept)
    assert told.words == ["forget line.a", "wait"]
    assert store.take({}) == {}


@given(st.text(min_size=1, max_size=60))
def test_any_key_survives_as_a_name(key: str) -> None:
    name = _name(key.encode("utf-8", "replace").decode())
    assert name.isascii()
    assert name.isprintable()
    assert ":" not in name
    assert _key(name) == key.encode("utf-8", "replace").decode()


def test_a_failure_to_keep_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    store = LineStore(told)
    line = GuardedLine("a", 5, maintained=True)
    monkeypatch.setattr(told, "keep", lambda name, descriptor: False)
    store.keep([line])
    monkeypatch.undo()
    store.keep([line])
    assert told.words == ["keep line.a"]
