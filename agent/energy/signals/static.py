# SPDX-License-Identifier: Apache-2.0
"""A value that never changes: for tariffs without times, and for trying things out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalDay, SignalPoint, SignalUnit
from agent.energy.slots import QUARTER_S, quarters

if TYPE_CHECKING:
    import datetime


@dataclass(frozen=True, slots=True)
class StaticSource:
    """The same value in each quarter."""

    name: str
    unit: SignalUnit
    zone: str
    value: float
    step_s: int = QUARTER_S

    async def fetch(self, day: datetime.date) -> SignalDay:
        points = tuple(SignalPoint(slot.start_utc_s, slot.duration_s, self.value) for slot in quarters(day, self.zone))
        return SignalDay(self.name, self.unit, self.zone, "static", time.time(), points)
