# SPDX-License-Identifier: Apache-2.0
"""Who is switched off by its own word, and who only seems to be."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.fleet.budget.messages import Refusal
from agent.fleet.budget.sleepers import Sleepers
from agent.fleet.bus import SECOND_NS, Message
from agent.fleet.node.documents import Direction, Target, encode
from agent.fleet.node.topics import Leaf, topic
from tests.agent.fleet.node.reports import report_of

UP, DOWN = Direction.UP, Direction.DOWN


def said(state: Direction, number: int, *, start: int = 1, target: Direction = DOWN, revision: int = 1) -> Message:
    document = report_of("n1", state, target=target, start=start, number=number, revision=revision)
    return Message(topic("hall", "n1", Leaf.REPORT), encode(document))


def wanted(target: Direction, revision: int) -> Message:
    return Message(
        topic("hall", "n1", Leaf.TARGET), encode(Target(node="n1", target=target, revision=revision)), retained=True
    )


def test_from_its_last_word_until_it_is_wanted_up() -> None:
    sleepers = Sleepers({"n1"})
    assert sleepers.hear(said(UP, 1), 0) is None
    assert not sleepers.leaving
    assert sleepers.hear(said(DOWN, 2), 5 * SECOND_NS) is None
    assert sleepers.leaving == {"n1"}
    assert sleepers.off(34 * SECOND_NS, 30 * SECOND_NS) == set(), "what it was leased may be in force"
    assert sleepers.off(35 * SECOND_NS, 30 * SECOND_NS) == {"n1"}
    assert sleepers.hear(wanted(UP, 2), 40 * SECOND_NS) is None
    assert not sleepers.leaving
    assert sleepers.hear(wanted(DOWN, 1), 41 * SECOND_NS) is None, "an older target changes nothing"
    assert not sleepers.leaving


def test_a_machine_that_reports_power_after_another_start_is_up() -> None:
    sleepers = Sleepers({"n1"})
    sleepers.powered("n1", 7)
    sleepers.hear(said(DOWN, 2), 0)
    sleepers.powered("n1", 7)
    assert sleepers.leaving == {"n1"}, "it still says what it draws on its way down"
    sleepers.powered("n1", 8)
    assert not sleepers.leaving, "somebody pressed its button"


def test_what_is_late_or_hostile_changes_nothing() -> None:
    sleepers = Sleepers({"n1"})
    down = said(DOWN, 2)
    sleepers.hear(said(UP, 1, start=2), 0)
    assert sleepers.hear(down, 0) is Refusal.OLD_REPORT
    fields: dict[str, Any] = msgspec.json.decode(said(DOWN, 9, start=9).payload)
    for payload, refusal in [
        (msgspec.json.encode(fields | {"node": "n2"}), Refusal.WRONG_NODE),
        (msgspec.json.encode(fields | {"extra": 1}), Refusal.MALFORMED),
        (msgspec.json.encode(fields | {"start": -1}), Refusal.MALFORMED),
        (b"\xff", Refusal.MALFORMED),
        (b" " * 5000, Refusal.TOO_LONG),
    ]:
        assert sleepers.hear(Message(down.topic, payload), 0) is refusal
    assert sleepers.hear(Message("pgood/fleet/hall/n1/power", down.payload), 0) is Refusal.WRONG_NODE
    assert sleepers.hear(Message(topic("hall", "other", Leaf.REPORT), b"?"), 0) is None, "it has no budget"
    assert not sleepers.leaving


@pytest.mark.parametrize(("target", "leaving"), [(UP, set()), (DOWN, {"n1"})])
def test_a_report_tells_the_target_too(target: Direction, leaving: set[str]) -> None:
    sleepers = Sleepers({"n1"})
    sleepers.hear(said(DOWN, 2, target=target), 0)
    assert sleepers.leaving == leaving
