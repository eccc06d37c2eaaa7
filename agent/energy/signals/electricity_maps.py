# SPDX-License-Identifier: Apache-2.0
"""Average carbon intensity by Electricity Maps (token needed): the last 24 hours, or a forecast on a paid plan.

It is the average of what is consumed in the zone, never the marginal intensity: that would be another signal.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.points import of_series
from agent.energy.signals.token_file import read_token
from agent.energy.signals.utc_time import unix_s
from agent.energy.signals.web import Web, WebOptions, decoded, web_faults
from agent.energy.slots import Slot, day_slot

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

URL = "https://api.electricitymaps.com/v3"


class MapsSeries(Enum):
    HISTORY = "history"
    FORECAST = "forecast"
    """Needs a paid plan."""


class MapsOptions(WebOptions, frozen=True, kw_only=True):
    """`area` is Electricity Maps' name of a zone, such as FR or DE."""

    area: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9-]{2,20}$")]
    token_file: str
    """A file of mode 0600 with the token, or `credential:NAME`."""
    series: MapsSeries = MapsSeries.HISTORY
    estimated: bool = True
    """Whether values that are marked as estimated are used; else they are holes."""
    url: str = URL


def faults(options: MapsOptions) -> Iterator[Fault]:
    yield from web_faults(options.url, options.proxy)
    if not options.token_file:
        yield "token_file", "is empty: name the file with the token"


class _Value(msgspec.Struct, rename="camel"):
    datetime: str
    carbon_intensity: float | None = None
    is_estimated: bool = False


class _Answer(msgspec.Struct):
    zone: str
    history: list[_Value] | None = None
    forecast: list[_Value] | None = None


class ElectricityMaps:
    """Implements SignalSource."""

    unit = SignalUnit.G_PER_KWH
    step_s = 3600

    def __init__(self, options: MapsOptions, around: Around) -> None:
        self.name, self.zone = around.name, around.zone
        self.ahead = options.series is MapsSeries.FORECAST
        measured = "" if options.estimated else " measured"
        self.origin = f"electricitymaps average {options.series.value} {options.area}{measured}"
        self._options = options
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        options, whole = self._options, day_slot(day, self.zone)
        url = f"{options.url.rstrip('/')}/carbon-intensity/{options.series.value}"
        points = await self._web.get(
            url,
            {"zone": options.area},
            lambda body: parse(body, url, whole, options),
            headers=lambda: {"auth-token": read_token(options.token_file)},
        )
        return day_said(self, points)


def parse(body: bytes, place: str, whole: Slot, options: MapsOptions) -> tuple[SignalPoint, ...]:
    """Raises SignalError."""
    answer = decoded(body, _Answer, place)
    if answer.zone != options.area:
        raise SignalError(f"{place}: the answer is for {answer.zone[:20]}, not for {options.area}", retry=False)
    series = answer.history if options.series is MapsSeries.HISTORY else answer.forecast
    if series is None:
        raise SignalError(f"{place}: the answer has no {options.series.value}", retry=True)
    values = sorted(((unix_s(value.datetime, place), value) for value in series), key=lambda pair: pair[0])
    starts = [start_s for start_s, _ in values]
    used = [value.carbon_intensity if options.estimated or not value.is_estimated else None for _, value in values]
    return of_series(starts, used, whole, place)


KIND = SignalKind("average carbon intensity of most of the world, with a token", MapsOptions, ElectricityMaps, faults)
