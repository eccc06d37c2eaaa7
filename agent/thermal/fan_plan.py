# SPDX-License-Identifier: Apache-2.0
"""How fast a fan should turn, as a pure state machine: temperatures of its zones and time go in, a duty comes out.

It speeds up at once and slows down slowly, and only after the temperature has fallen by the hysteresis: no fan hunts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.profile.thermal_tables import FanTable


@dataclass(frozen=True, slots=True)
class Demand:
    """What a zone asks of its fans."""

    celsius: float | None
    """Of its hottest sensor; None = not told just now."""
    full: bool = False
    """A trip is exceeded: run as fast as allowed."""
    fail_safe: bool = False
    """What is read must not be trusted, or cannot be read."""


def duty_at(points: Sequence[tuple[float, float]], celsius: float) -> float:
    """Percent on a curve of rising points: straight lines between them, level beyond."""
    if celsius <= points[0][0]:
        return points[0][1]
    for (low_c, low), (high_c, high) in pairwise(points):
        if celsius <= high_c:
            return low + (high - low) * (celsius - low_c) / (high_c - low_c)
    return points[-1][1]


@dataclass(frozen=True, slots=True)
class FanPlan:
    """`duty` is what the fan should have now, in percent; None = nothing is known yet: leave it as it is."""

    table: FanTable
    duty: float | None = None
    fail_safe: bool = False
    at_ns: int = 0
    felt_c: Mapping[str, float] = field(default_factory=dict)
    """The temperature of each zone that the fan goes by: it follows a rise at once, a fall after the hysteresis."""

    def next(self, now_ns: int, demands: Mapping[str, Demand]) -> FanPlan:
        """Take in what the zones ask."""
        asked = {curve.zone: demands[curve.zone] for curve in self.table.curves}
        felt = {zone: celsius for zone in asked if (celsius := self._felt(zone, asked[zone])) is not None}
        fail_safe = any(demand.fail_safe for demand in asked.values())
        plan = replace(self, at_ns=now_ns, felt_c=felt, fail_safe=fail_safe)
        target = plan._target(asked)
        if target is None:
            return plan
        return replace(plan, duty=self._slowed(target, now_ns))

    def _felt(self, zone: str, demand: Demand) -> float | None:
        before = self.felt_c.get(zone)
        if demand.celsius is None or before is None:
            return before if demand.celsius is None else demand.celsius
        return min(max(before, demand.celsius), demand.celsius + self.table.hysteresis_c)

    def _target(self, asked: Mapping[str, Demand]) -> float | None:
        table = self.table
        duties = [duty_at(curve.points, self.felt_c[curve.zone]) for curve in table.curves if curve.zone in self.felt_c]
        wanted = [min(max(duty, table.min_duty), table.max_duty) for duty in duties]
        wanted += [table.max_duty] if any(demand.full for demand in asked.values()) else []
        wanted += [table.fail_safe_duty] if self.fail_safe else []
        return max(wanted, default=None)

    def _slowed(self, target: float, now_ns: int) -> float:
        if self.duty is None or target >= self.duty:
            return target
        elapsed_s = max(0, now_ns - self.at_ns) / 1e9
        return max(target, self.duty - self.table.slew_percent_per_s * elapsed_s)
