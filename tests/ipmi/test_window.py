# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipmi.window import AHEAD, BEHIND, ReplayWindow


class Model:
    """Remembers every number: slow and obvious."""

    def __init__(self) -> None:
        self.highest: int | None = None
        self.seen: set[int] = set()

    def accept(self, number: int) -> bool:
        if number == 0 or number in self.seen:
            return False
        if self.highest is not None and not self.highest - BEHIND <= number <= self.highest + AHEAD:
            return False
        self.highest = number if self.highest is None else max(number, self.highest)
        self.seen.add(number)
        return True


@given(st.integers(1, 1000), st.lists(st.integers(-40, 40), max_size=200))
def test_against_the_model(start: int, steps: list[int]) -> None:
    window, model = ReplayWindow(), Model()
    number = start + 100
    for step in [0, *steps]:
        tried = max(0, number + step)
        accepted = window.accept(tried)
        assert accepted == model.accept(tried)
        if accepted:
            number = tried


@pytest.mark.parametrize("first", [1, 2, 3, 50, 2**32 - 1])
def test_any_first_number_opens_the_window(first: int) -> None:
    assert ReplayWindow().accept(first)


@pytest.mark.parametrize(("step", "accepted"), [(15, True), (16, False), (-16, True), (-17, False), (0, False)])
def test_edges(step: int, accepted: bool) -> None:
    window = ReplayWindow()
    window.accept(100)
    assert window.accept(100 + step) is accepted


def test_zero_is_no_number_of_a_session() -> None:
    assert not ReplayWindow().accept(0)


def test_wraps_around() -> None:
    window = ReplayWindow()
    assert window.accept(2**32 - 2)
    assert window.accept(3)
    assert window.accept(2**32 - 1)
    assert not window.accept(2**32 - 2)
