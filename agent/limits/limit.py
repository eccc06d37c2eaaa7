# SPDX-License-Identifier: Apache-2.0
"""One limit of one sensor as a pure state machine: readings go in, a debounced crossing comes out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from agent.events.event import EventKind

DEBOUNCE_READINGS = 2
"""So many readings in a row must agree: one may be a glitch of the bus."""


class Side(enum.Enum):
    """Which limit, in rising order of a healthy sensor's limits. The value names it in settings and profiles."""

    LOWER_CRITICAL = "lower_critical"
    LOWER_WARNING = "lower_warning"
    UPPER_WARNING = "upper_warning"
    UPPER_CRITICAL = "upper_critical"

    @property
    def upper(self) -> bool:
        return self in (Side.UPPER_WARNING, Side.UPPER_CRITICAL)


CROSSED: dict[Side, EventKind] = {
    Side.LOWER_CRITICAL: EventKind.SENSOR_LOWER_CRITICAL,
    Side.LOWER_WARNING: EventKind.SENSOR_LOWER_WARNING,
    Side.UPPER_WARNING: EventKind.SENSOR_UPPER_WARNING,
    Side.UPPER_CRITICAL: EventKind.SENSOR_UPPER_CRITICAL,
}
CLEARED: dict[Side, EventKind] = {
    Side.LOWER_CRITICAL: EventKind.SENSOR_LOWER_CRITICAL_CLEARED,
    Side.LOWER_WARNING: EventKind.SENSOR_LOWER_WARNING_CLEARED,
    Side.UPPER_WARNING: EventKind.SENSOR_UPPER_WARNING_CLEARED,
    Side.UPPER_CRITICAL: EventKind.SENSOR_UPPER_CRITICAL_CLEARED,
}


@dataclass(frozen=True, slots=True)
class Crossing:
    """State of one limit. `asserted` is what is believed; `seen` counts readings in a row that say otherwise."""

    asserted: bool = False
    cleared: bool = False
    """It was asserted and has been taken back since the last rearm."""
    seen: int = 0

    def read(self, side: Side, value: float, limit: float, hysteresis: float) -> Crossing:
        """Take in one reading. A reading at the limit counts as beyond it, as IPMI has it."""
        if self.asserted:
            beyond = value > limit - hysteresis if side.upper else value < limit + hysteresis
            if hysteresis == 0:
                beyond = beyond or value == limit
        else:
            beyond = value >= limit if side.upper else value <= limit
        if beyond == self.asserted:
            return replace(self, seen=0)
        if self.seen + 1 < DEBOUNCE_READINGS:
            return replace(self, seen=self.seen + 1)
        return Crossing(asserted=beyond, cleared=self.cleared or not beyond)
