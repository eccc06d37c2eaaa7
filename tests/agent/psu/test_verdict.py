# SPDX-License-Identifier: Apache-2.0
"""The redundancy verdict: the table of transitions, and that a set that comes back in full says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.events.event import EventKind
from agent.psu.verdict import RedundancyState, Set, initial, judge


def a_set(healthy: int, slots: int = 2, needed: int = 2, load_w: float | None = 100.0, each_w: float = 550.0) -> Set:
    enough = healthy > 0 and (load_w is None or load_w <= healthy * each_w)
    return Set(slots, healthy, needed, enough)


@pytest.mark.parametrize(
    ("before", "now", "state", "events"),
    [
        (
            a_set(2),
            a_set(1),
            RedundancyState.LOST_SUFFICIENT,
            [EventKind.REDUNDANCY_LOST, EventKind.REDUNDANCY_SUFFICIENT],
        ),
        (a_set(1), a_set(2), RedundancyState.FULL, [EventKind.REDUNDANCY_REGAINED]),
        (a_set(1), a_set(0), RedundancyState.INSUFFICIENT, [EventKind.REDUNDANCY_INSUFFICIENT]),
        (
            a_set(2, load_w=900.0),
            a_set(1, load_w=900.0),
            RedundancyState.INSUFFICIENT,
            [EventKind.REDUNDANCY_LOST, EventKind.REDUNDANCY_INSUFFICIENT],
        ),
        (
            a_set(0),
            a_set(1),
            RedundancyState.SUFFICIENT_FROM_INSUFFICIENT,
            [EventKind.REDUNDANCY_FROM_INSUFFICIENT],
        ),
        (
            a_set(4, slots=4),
            a_set(3, slots=4),
            RedundancyState.DEGRADED,
            [EventKind.REDUNDANCY_DEGRADED, EventKind.REDUNDANCY_DEGRADED_FROM_REDUNDANT],
        ),
        (
            a_set(1, slots=4),
            a_set(2, slots=4),
            RedundancyState.DEGRADED_FROM_NONREDUNDANT,
            [EventKind.REDUNDANCY_DEGRADED_FROM_NONREDUNDANT],
        ),
        (a_set(1, slots=1), a_set(0, slots=1), RedundancyState.INSUFFICIENT, None),
    ],
)
def test_transitions(before: Set, now: Set, state: RedundancyState, events: list[EventKind] | None) -> None:
    after, told = judge(initial(before), before, now)
    assert after is state
    if events is not None:
        assert told == events


def test_a_machine_with_one_supply_is_redundant_while_it_works() -> None:
    assert initial(a_set(1, slots=1)) is RedundancyState.FULL


def test_one_supply_where_one_is_expected_is_redundant() -> None:
    """The original was turned off by default because such machines made critical events."""
    alone = Set(1, 1, 2, sufficient=True)
    assert initial(alone) is RedundancyState.FULL
    assert judge(RedundancyState.FULL, Set(1, 2, 2, True), alone) == (RedundancyState.FULL, [])
    assert judge(RedundancyState.FULL, alone, Set(1, 2, 2, True)) == (RedundancyState.FULL, [])


def test_a_load_beyond_the_last_supply_is_told_and_so_is_its_end() -> None:
    """The original calls any working supply sufficient."""
    enough, short = Set(2, 1, 2, sufficient=True), Set(2, 1, 2, sufficient=False)
    state, events = judge(RedundancyState.LOST_SUFFICIENT, enough, short)
    assert (state, events) == (RedundancyState.INSUFFICIENT, [EventKind.REDUNDANCY_INSUFFICIENT])
    state, events = judge(state, short, enough)
    assert (state, events) == (
        RedundancyState.SUFFICIENT_FROM_INSUFFICIENT,
        [EventKind.REDUNDANCY_FROM_INSUFFICIENT],
    )


@given(st.integers(1, 8), st.lists(st.integers(0, 8), min_size=1), st.floats(0, 5000))
def test_laws(slots: int, healthy: list[int], load_w: float) -> None:
    before = a_set(slots, slots=slots, load_w=load_w)
    state = initial(before)
    for count in [*(min(number, slots) for number in healthy), slots]:
        now = a_set(count, slots=slots, load_w=load_w)
        state, events = judge(state, before, now)
        assert bool(events) <= (now != before)
        if now.healthy == slots != before.healthy:
            assert events == [EventKind.REDUNDANCY_REGAINED]
        before = now
    assert state is RedundancyState.FULL
