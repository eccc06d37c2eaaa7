# SPDX-License-Identifier: Apache-2.0
"""Days that look like a market's and are none: the same seed and day give the same values."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalDay, SignalPoint, SignalUnit
from agent.energy.slots import QUARTER_S, quarters

if TYPE_CHECKING:
    import datetime


@dataclass(frozen=True, slots=True)
class MockSource:
    """A wave with its peak at noon, and noise. `swing` and `noise` are in the unit of the signal."""

    name: str
    unit: SignalUnit
    zone: str
    seed: int = 1
    mean: float = 80.0
    swing: float = 40.0
    noise: float = 5.0
    step_s: int = QUARTER_S

    async def fetch(self, day: datetime.date) -> SignalDay:
        chance = random.Random(f"{self.seed} {self.name} {day.isoformat()}")
        slots = quarters(day, self.zone)
        points = tuple(
            SignalPoint(slot.start_utc_s, slot.duration_s, self._value(index / len(slots), chance))
            for index, slot in enumerate(slots)
        )
        return SignalDay(self.name, self.unit, self.zone, "mock", time.time(), points)

    def _value(self, of_day: float, chance: random.Random) -> float:
        return round(self.mean - self.swing * math.cos(2 * math.pi * of_day) + chance.gauss(0, self.noise), 2)
