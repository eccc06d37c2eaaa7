# SPDX-License-Identifier: Apache-2.0
"""Load, generation and the renewable share of a country by energy-charts.info: what was measured, and a forecast."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.energy.signals.energy_charts import span
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.points import of_series
from agent.energy.signals.web import Web, WebOptions, decoded, web_faults
from agent.energy.slots import QUARTER_S, Slot, day_slot

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Sequence

    from agent.energy.signals.kind import Around, Fault

URL = "https://api.energy-charts.info"
LOADS = ("Load", "Load (incl. self-consumption)")
SHARE = "Renewable share of load"
NO_PRODUCTION = ("load", "share", "trading", "consumption")
"""Rows with one of these words are in the same list as the kinds of production, and are none."""


class PowerSeries(Enum):
    """What is asked for."""

    RENEWABLE_SHARE_FORECAST = "renewable-share-forecast"
    """Of the load, in percent, today and as far ahead as there is a forecast. May be above 100."""
    RENEWABLE_SHARE = "renewable-share"
    """The same as it was measured: up to about an hour ago."""
    LOAD = "load"
    GENERATION = "generation"
    """Sum of all kinds of production."""


MEGAWATTS = frozenset({PowerSeries.LOAD, PowerSeries.GENERATION})


class PowerOptions(WebOptions, frozen=True, kw_only=True):
    """`country` such as de or fr."""

    country: Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}$")]
    series: PowerSeries = PowerSeries.RENEWABLE_SHARE_FORECAST
    url: str = URL


def faults(options: PowerOptions) -> Iterator[Fault]:
    yield from web_faults(options.url, options.proxy)


class _Forecast(msgspec.Struct):
    unix_seconds: list[int]
    ren_share: list[float | None]


class _Row(msgspec.Struct):
    name: str
    data: list[float | None]


class _Power(msgspec.Struct):
    unix_seconds: list[int] | None = None
    production_types: list[_Row] | None = None


class EnergyChartsPower:
    """Implements SignalSource."""

    step_s = QUARTER_S

    def __init__(self, options: PowerOptions, around: Around) -> None:
        self.name, self.zone = around.name, around.zone
        self.unit = SignalUnit.MW if options.series in MEGAWATTS else SignalUnit.PERCENT
        self.ahead = options.series is PowerSeries.RENEWABLE_SHARE_FORECAST
        self.origin = f"energy-charts {options.series.value} {options.country}"
        self._options = options
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        options, whole = self._options, day_slot(day, self.zone)
        base, country = options.url.rstrip("/"), {"country": options.country}
        if options.series is PowerSeries.RENEWABLE_SHARE_FORECAST:
            url = f"{base}/ren_share_forecast"
            return day_said(self, await self._web.get(url, country, lambda body: parse_forecast(body, url, whole)))
        url = f"{base}/public_power"

        def parse(body: bytes) -> tuple[SignalPoint, ...]:
            return parse_power(body, url, whole, options.series)

        return day_said(self, await self._web.get(url, {**country, **span(whole)}, parse))


def parse_forecast(body: bytes, place: str, whole: Slot) -> tuple[SignalPoint, ...]:
    """Raises SignalError."""
    answer = decoded(body, _Forecast, place)
    return of_series(answer.unix_seconds, answer.ren_share, whole, place)


def parse_power(body: bytes, place: str, whole: Slot, series: PowerSeries) -> tuple[SignalPoint, ...]:
    """Raises SignalError, also where the country has no such row."""
    answer = decoded(body, _Power, place)
    rows = {row.name: row.data for row in answer.production_types or ()}
    starts = answer.unix_seconds or []
    if not starts:
        return ()
    if series is PowerSeries.GENERATION:
        kinds = [data for name, data in rows.items() if not any(word in name.lower() for word in NO_PRODUCTION)]
        return of_series(starts, summed(kinds, len(starts), place), whole, place)
    wanted = LOADS if series is PowerSeries.LOAD else (SHARE,)
    for name in wanted:
        if name in rows:
            return of_series(starts, rows[name], whole, place)
    raise SignalError(f"{place}: has no row {' or '.join(wanted)} for this country", retry=False)


def summed(rows: Sequence[Sequence[float | None]], count: int, place: str) -> list[float | None]:
    """Sum at each instant. A hole in a row is a hole of the sum, else it would dip; rows without any value are none."""
    used = [row for row in rows if any(value is not None for value in row)]
    if any(len(row) != count for row in used):
        raise SignalError(f"{place}: rows of different length", retry=True)
    sums: list[float | None] = []
    for column in zip(*used, strict=True):
        known = [value for value in column if value is not None]
        sums.append(math.fsum(known) if len(known) == len(column) else None)
    return sums or [None] * count


KIND = SignalKind(
    "renewable share, load and generation of a country, without a token (CC BY 4.0)",
    PowerOptions,
    EnergyChartsPower,
    faults,
)
