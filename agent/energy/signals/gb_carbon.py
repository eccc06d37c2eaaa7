# SPDX-License-Identifier: Apache-2.0
"""Carbon intensity of Great Britain's electricity (api.carbonintensity.org.uk): average, each half hour, 48 h ahead."""

from __future__ import annotations

import datetime
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.points import STEPS_S, within
from agent.energy.signals.utc_time import unix_s
from agent.energy.signals.web import Web, WebOptions, decoded, web_faults
from agent.energy.slots import Slot, day_slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

URL = "https://api.carbonintensity.org.uk"
HALF_HOUR_S = 1800


class IntensitySeries(Enum):
    FORECAST = "forecast"
    ACTUAL = "actual"
    """What was measured: nothing for the hours to come."""


class GbCarbonOptions(WebOptions, frozen=True, kw_only=True):
    """Which of the two values is meant."""

    series: IntensitySeries = IntensitySeries.FORECAST
    url: str = URL


def faults(options: GbCarbonOptions) -> Iterator[Fault]:
    yield from web_faults(options.url, options.proxy)


class _Intensity(msgspec.Struct):
    forecast: float | None = None
    actual: float | None = None


class _HalfHour(msgspec.Struct, rename={"start": "from", "end": "to"}):
    start: str
    end: str
    intensity: _Intensity


class _Answer(msgspec.Struct):
    data: list[_HalfHour]


class GbCarbon:
    """Implements SignalSource."""

    unit = SignalUnit.G_PER_KWH
    step_s = HALF_HOUR_S

    def __init__(self, options: GbCarbonOptions, around: Around) -> None:
        self.name, self.zone = around.name, around.zone
        self.ahead = options.series is IntensitySeries.FORECAST
        self.origin = f"carbonintensity.org.uk {options.series.value} (CC BY 4.0)"
        self._options = options
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        series, whole = self._options.series, day_slot(day, self.zone)
        start = datetime.datetime.fromtimestamp(whole.start_utc_s, datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
        url = f"{self._options.url.rstrip('/')}/intensity/{start}/fw48h"
        return day_said(self, await self._web.get(url, {}, lambda body: parse(body, url, whole, series)))


def parse(body: bytes, place: str, whole: Slot, series: IntensitySeries) -> tuple[SignalPoint, ...]:
    """The half hour before the day, which the server gives as well, is left out. Raises SignalError."""
    points = []
    for item in decoded(body, _Answer, place).data:
        start_s = unix_s(item.start, place)
        duration_s = unix_s(item.end, place) - start_s
        if duration_s not in STEPS_S:
            raise SignalError(f"{place}: a value for {duration_s} s", retry=True)
        value = item.intensity.forecast if series is IntensitySeries.FORECAST else item.intensity.actual
        if value is not None:
            points.append(SignalPoint(start_s, duration_s, value))
    return within(points, whole, place)


KIND = SignalKind(
    "carbon intensity of Great Britain, without a token (CC BY 4.0, NESO)", GbCarbonOptions, GbCarbon, faults
)
