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
    """The supplies together. `load_w` None = unknown, then any working supply counts as enough."""

    slots: int
    healthy: int
    redundant_count: int
    healthy_rated_w: float
    load_w: float | None

    @property
    def sufficient(self) -> bool:
        return self.healthy > 0 and (self.load_w is None or self.load_w <= self.healthy_rated_w)

    @property
    def needed(self) -> int:
        """A board with fewer slots than asked for is redundant when all of them work."""
        return min(self.redundant_count, self.slots)


def initial(now: Set) -> RedundancyState:
    """The state found at start; no event tells it."""
    if now.healthy == now.slots:
        return RedundancyState.FULL
    if now.healthy >= now.needed:
        return RedundancyState.DEGRADED
    return RedundancyState.LOST_SUFFICIENT if now.sufficient else RedundancyState.INSUFFICIENT


def judge(state: RedundancyState, before: Set, now: Set) -> tuple[RedundancyState, list[EventKind]]:
    """Next state and events, in the order in which they are told."""
    if now.healthy > before.healthy:
        return _risen(state, before, now)
    if now.healthy < before.healthy:
        return _fallen(before, now)
    return state, []


def _risen(state: RedundancyState, before: Set, now: Set) -> tuple[RedundancyState, list[EventKind]]:
    if now.healthy == now.slots:
        return RedundancyState.FULL, [EventKind.REDUNDANCY_REGAINED]
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
    if now.healthy >= now.needed:
        events = [EventKind.REDUNDANCY_DEGRADED]
        if before.healthy == before.slots:
            events.append(EventKind.REDUNDANCY_DEGRADED_FROM_REDUNDANT)
        return RedundancyState.DEGRADED, events
    lost = [EventKind.REDUNDANCY_LOST] if before.healthy >= before.needed else []
    if now.sufficient:
        return RedundancyState.LOST_SUFFICIENT, [*lost, EventKind.REDUNDANCY_SUFFICIENT] if lost else []
    return RedundancyState.INSUFFICIENT, [*lost, EventKind.REDUNDANCY_INSUFFICIENT]
