# SPDX-License-Identifier: Apache-2.0
"""The redundancy verdict: pure. Healthy supplies before and now, and the load, give the power-unit events."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from agent.events.event import EventKind


class RedundancyState(enum.Enum):
    """Power-unit redundancy; the value is the state offset of the SDR sensor (type 09h, reading 0Bh)."""

    FULL = 0
    LOST_SUFFICIENT = 3
    SUFFICIENT_FROM_INSUFFICIENT = 4
    INSUFFICIENT = 5
    DEGRADED = 6
    DEGRADED_FROM_NONREDUNDANT = 7


@dataclass(frozen=True, slots=True)
class Set:
    """The supplies together. `expected`: how many make the set complete; `sufficient`: the healthy carry the load."""

    expected: int
    healthy: int
    redundant_count: int
    sufficient: bool

    @property
    def complete(self) -> bool:
        return self.healthy >= self.expected

    @property
    def needed(self) -> int:
        """A board of which fewer supplies are expected is redundant when all of those work."""
        return min(self.redundant_count, self.expected)


def initial(now: Set) -> RedundancyState:
    """The state found at start; no event tells it."""
    if now.complete:
        return RedundancyState.FULL
    if now.healthy >= now.needed:
        return RedundancyState.DEGRADED
    return RedundancyState.LOST_SUFFICIENT if now.sufficient else RedundancyState.INSUFFICIENT


def judge(state: RedundancyState, before: Set, now: Set) -> tuple[RedundancyState, list[EventKind]]:
    """Next state and events, in the order in which they are told."""
    if now.expected != before.expected:  # a person's word about the set: where that leaves it, without an event
        return initial(now), []
    if now.healthy > before.healthy:
        return _risen(state, before, now)
    if now.healthy < before.healthy:
        return _fallen(before, now)
    if now.healthy < now.needed and now.sufficient != before.sufficient:
        return _load_changed(now)
    return state, []


def _risen(state: RedundancyState, before: Set, now: Set) -> tuple[RedundancyState, list[EventKind]]:
    if now.complete:
        return RedundancyState.FULL, [] if before.complete else [EventKind.REDUNDANCY_REGAINED]
    if now.healthy >= now.needed:
        if before.healthy < now.needed:
            return (
                RedundancyState.DEGRADED_FROM_NONREDUNDANT,
                [EventKind.REDUNDANCY_DEGRADED_FROM_NONREDUNDANT],
            )
        return state, []
    if now.sufficient and not before.sufficient:
        return RedundancyState.SUFFICIENT_FROM_INSUFFICIENT, [EventKind.REDUNDANCY_FROM_INSUFFICIENT]
    return state, []


def _fallen(before: Set, now: Set) -> tuple[RedundancyState, list[EventKind]]:
    if now.complete:  # one more than expected is gone
        return RedundancyState.FULL, []
    if now.healthy >= now.needed:
        events = [EventKind.REDUNDANCY_DEGRADED]
        if before.complete:
            events.append(EventKind.REDUNDANCY_DEGRADED_FROM_REDUNDANT)
        return RedundancyState.DEGRADED, events
    lost = [EventKind.REDUNDANCY_LOST] if before.healthy >= before.needed else []
    if now.sufficient:
        return RedundancyState.LOST_SUFFICIENT, [*lost, EventKind.REDUNDANCY_SUFFICIENT] if lost else []
    news = [EventKind.REDUNDANCY_INSUFFICIENT] if lost or before.sufficient else []
    return RedundancyState.INSUFFICIENT, [*lost, *news]


def _load_changed(now: Set) -> tuple[RedundancyState, list[EventKind]]:
    """The same supplies, but the load went beyond what they carry, or came back within it."""
    if now.sufficient:
        return RedundancyState.SUFFICIENT_FROM_INSUFFICIENT, [EventKind.REDUNDANCY_FROM_INSUFFICIENT]
    return RedundancyState.INSUFFICIENT, [EventKind.REDUNDANCY_INSUFFICIENT]
