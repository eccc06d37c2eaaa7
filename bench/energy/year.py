# SPDX-License-Identifier: Apache-2.0
"""A made-up year by a seed: price, carbon and volume of each quarter of each local day, and days without any data.

Prices fall below zero on sunny and windy middays, as day-ahead prices do; carbon follows the same weather.
"""

from __future__ import annotations

import datetime
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalDay, SignalPoint, SignalUnit
from agent.energy.slots import quarters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

YEAR = 2026
ZONE = "Europe/Paris"
PRICE, CARBON, VOLUME = "price", "carbon", "volume"
UNITS = {PRICE: SignalUnit.EUR_PER_MWH, CARBON: SignalUnit.G_PER_KWH, VOLUME: SignalUnit.MWH}
OUTAGES = ((40, 1), (133, 2), (298, 4))
"""From which day of the year on there is no data, and for how many days."""
WINTER_DAY = 15
EVENING_H, MORNING_H = 19.0, 8.0

Days = dict[datetime.date, SignalDay]


@dataclass(frozen=True)
class Year:
    """`signals` is what happened, `known` what the agent got to see."""

    signals: Mapping[str, Days]
    known: Mapping[str, Days]
    zone: str = ZONE
    """By which its days are cut."""

    @property
    def days(self) -> tuple[datetime.date, ...]:
        return tuple(self.signals[PRICE])

    def values(self, signal: str) -> list[float]:
        """Of each quarter, in order."""
        return [point.value for day in self.signals[signal].values() for point in day.points]


def make_year(seed: int) -> Year:
    """The same seed gives the same year."""
    chance = random.Random(seed)
    wind = 0.0
    signals: dict[str, Days] = {name: {} for name in UNITS}
    first = datetime.date(YEAR, 1, 1)
    while first.year == YEAR:
        wind = 0.7 * wind + chance.gauss(0, 0.6)
        points: dict[str, list[SignalPoint]] = {name: [] for name in UNITS}
        for slot, values in _quarters(first, wind, chance.uniform(0.4, 1.0), chance):
            for name, value in values.items():
                points[name].append(SignalPoint(slot, 900, round(value, 2)))
        for name, unit in UNITS.items():
            signals[name][first] = SignalDay(name, unit, ZONE, "made up", 0.0, tuple(points[name]))
        first += datetime.timedelta(days=1)
    days = list(signals[PRICE])
    lost = {days[start + number] for start, count in OUTAGES for number in range(count)}
    known = {name: {day: data for day, data in by_day.items() if day not in lost} for name, by_day in signals.items()}
    return Year(signals, known)


def _quarters(
    day: datetime.date, wind: float, sky: float, chance: random.Random
) -> Iterator[tuple[int, dict[str, float]]]:
    slots = quarters(day, ZONE)
    winter = math.cos(2 * math.pi * (day.timetuple().tm_yday - WINTER_DAY) / 365)
    weekend = day.weekday() >= 5
    noise = 0.0
    for index, slot in enumerate(slots):
        hour = 24 * index / len(slots)
        noise = 0.9 * noise + chance.gauss(0, 3)
        sun = sky * (0.65 - 0.35 * winter) * _hill(hour, 13.0, 2.6)
        use = 0.6 * _hill(hour, MORNING_H, 1.6) + _hill(hour, EVENING_H, 2.0) - 0.4 * _hill(hour, 3.5, 2.5)
        residual = use + 0.3 * winter - 1.5 * sun - 0.45 * wind - 0.35 * weekend
        yield (
            slot.start_utc_s,
            {
                PRICE: 80 + 48 * residual + noise,
                CARBON: max(340 + 110 * residual + 2 * noise, 20.0),
                VOLUME: max(66 + 40 * (sun + 0.4 * use) - 12 * weekend + chance.gauss(0, 6), 5.0),
            },
        )


def _hill(hour: float, at: float, width: float) -> float:
    return math.exp(-(((hour - at) / width) ** 2))
