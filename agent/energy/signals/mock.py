# SPDX-License-Identifier: Apache-2.0
"""Days that look like a market's and are none: the same seed and day give the same values."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalDay, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind, SignalOptions
from agent.energy.signals.static import Value  # noqa: TC001  (msgspec reads it)
from agent.energy.slots import QUARTER_S, quarters

if TYPE_CHECKING:
    import datetime

    from agent.energy.signals.kind import Around


class MockOptions(SignalOptions, frozen=True, kw_only=True):
    """`mean`, `swing` and `noise` are in `unit`."""

    seed: int = 1
    mean: Value = 80.0
    swing: Value = 40.0
    """From the mean to the peak at noon."""
    noise: Value = 5.0
    """Standard deviation."""
    unit: SignalUnit = SignalUnit.EUR_PER_MWH


class MockSource:
    """Implements SignalSource: a wave with its peak at noon, and noise."""

    step_s = QUARTER_S
    ahead = True

    def __init__(self, options: MockOptions, around: Around) -> None:
        self.name, self.zone, self.unit = around.name, around.zone, options.unit
        self.origin = f"mock {options.seed} {options.mean:g} {options.swing:g} {options.noise:g}"
        self._options = options

    async def fetch(self, day: datetime.date) -> SignalDay:
        return day_said(self, made_up(self._options, self.name, day, self.zone))


def made_up(options: MockOptions, name: str, day: datetime.date, zone: str) -> tuple[SignalPoint, ...]:
    """The day of a signal of this name; another name has other noise."""
    chance = random.Random(f"{options.seed} {name} {day.isoformat()}")
    slots = quarters(day, zone)
    points = []
    for index, slot in enumerate(slots):
        wave = math.cos(2 * math.pi * index / len(slots))
        value = round(options.mean - options.swing * wave + chance.gauss(0, options.noise), 2)
        points.append(SignalPoint(slot.start_utc_s, slot.duration_s, value))
    return tuple(points)


KIND = SignalKind("made-up days by a seed, for trying out", MockOptions, MockSource)
