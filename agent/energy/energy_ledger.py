# SPDX-License-Identifier: Apache-2.0
"""Energy by hour and by local day, counted from readings of power. Pure; agent/energy/energy_counters.py keeps it.

Only time between two readings that belong together is counted, and how much time that was is counted with it: an hour
of which ten minutes were measured says so.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.meters.interface import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from agent.energy.meters.interface import Reading

HOUR_S = 3600
HOURS_KEPT = 24 * 14
DAYS_KEPT = 400
MAX_STEP_S = 120.0
"""Between two readings further apart the power is not known."""
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Energy:
    """Of one hour or day: watt hours, how much of it is estimated, and how many seconds were measured."""

    wh: float = 0.0
    estimated_wh: float = 0.0
    seconds: float = 0.0

    def plus(self, wh: float, estimated: bool, seconds: float) -> Energy:
        return Energy(self.wh + wh, self.estimated_wh + (wh if estimated else 0.0), self.seconds + seconds)


class EnergyLedger:
    """Hours by their start (Unix time), days by their date in `zone`."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.hours: dict[Quantity, dict[int, Energy]] = {quantity: {} for quantity in Quantity}
        self.days: dict[Quantity, dict[datetime.date, Energy]] = {quantity: {} for quantity in Quantity}
        self._last: dict[Quantity, Reading] = {}

    def add(self, readings: Mapping[Quantity, Reading], now_s: float) -> None:
        """Count what was drawn since the reading before. `now_s` is Unix time, for the place only.

        How long that was the monotonic stamps say: a clock that is set moves energy to another hour, and makes none.
        """
        for quantity in Quantity:
            reading, before = readings.get(quantity), self._last.pop(quantity, None)
            if reading is None:
                continue
            self._last[quantity] = reading
            elapsed_s = (reading.at_ns - before.at_ns) / NS_PER_S if before is not None else 0.0
            if before is not None and before.source == reading.source and 0 < elapsed_s <= MAX_STEP_S:
                self._count(reading, now_s, elapsed_s)

    def day(self, quantity: Quantity, day: datetime.date) -> Energy:
        return self.days[quantity].get(day, Energy())

    def date(self, now_s: float) -> datetime.date:
        return datetime.datetime.fromtimestamp(now_s, self._zone).date()

    def _count(self, reading: Reading, now_s: float, elapsed_s: float) -> None:
        """Split at quarters: hours and local days end there, wherever on earth."""
        start_s = now_s - elapsed_s
        while start_s < now_s:
            quarter_end_s = (math.floor(start_s / 900) + 1) * 900
            end_s = min(quarter_end_s, now_s)
            wh = reading.watts * (end_s - start_s) / HOUR_S
            hour, date = math.floor(start_s / HOUR_S) * HOUR_S, self.date(start_s)
            hours, days = self.hours[reading.quantity], self.days[reading.quantity]
            hours[hour] = hours.get(hour, Energy()).plus(wh, reading.estimated, end_s - start_s)
            days[date] = days.get(date, Energy()).plus(wh, reading.estimated, end_s - start_s)
            start_s = end_s
        self._forget(reading.quantity)

    def _forget(self, quantity: Quantity) -> None:
        hours, days = self.hours[quantity], self.days[quantity]
        while len(hours) > HOURS_KEPT:
            del hours[min(hours)]
        while len(days) > DAYS_KEPT:
            del days[min(days)]
