# SPDX-License-Identifier: Apache-2.0
"""Hourly day-ahead prices of aWATTar, for Germany and Austria: times in milliseconds."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.points import STEPS_S, within
from agent.energy.signals.web import Web, WebOptions, decoded, web_faults
from agent.energy.slots import Slot, day_slot

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

UNIT = "eur/mwh"
MS_PER_S = 1000


class Country(Enum):
    GERMANY = "de"
    AUSTRIA = "at"


class AwattarOptions(WebOptions, frozen=True, kw_only=True):
    """`url` replaces the address that belongs to `country`."""

    country: Country = Country.GERMANY
    url: str = ""


def address(options: AwattarOptions) -> str:
    return options.url or f"https://api.awattar.{options.country.value}/v1/marketdata"


def faults(options: AwattarOptions) -> Iterator[Fault]:
    yield from web_faults(address(options), options.proxy)


class _Price(msgspec.Struct):
    start_timestamp: int
    end_timestamp: int
    marketprice: float
    unit: str


class _Answer(msgspec.Struct):
    data: list[_Price]


class Awattar:
    """Implements SignalSource."""

    unit = SignalUnit.EUR_PER_MWH
    step_s = 3600
    ahead = True

    def __init__(self, options: AwattarOptions, around: Around) -> None:
        self.name, self.zone = around.name, around.zone
        self.origin = f"awattar price {options.country.value}"
        self._url = address(options)
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        whole = day_slot(day, self.zone)
        query = {"start": whole.start_utc_s * MS_PER_S, "end": whole.end_utc_s * MS_PER_S}
        return day_said(self, await self._web.get(self._url, query, lambda body: parse(body, self._url, whole)))


def parse(body: bytes, place: str, whole: Slot) -> tuple[SignalPoint, ...]:
    """Raises SignalError."""
    points = []
    for price in decoded(body, _Answer, place).data:
        if price.unit.replace(" ", "").lower() != UNIT:
            raise SignalError(f"{place}: prices in {price.unit[:20]}, not in EUR/MWh", retry=False)
        start_s, rest_ms = divmod(price.start_timestamp, MS_PER_S)
        duration_s = price.end_timestamp // MS_PER_S - start_s
        if rest_ms or duration_s not in STEPS_S:
            raise SignalError(f"{place}: a price for {duration_s} s from {price.start_timestamp} ms", retry=True)
        points.append(SignalPoint(start_s, duration_s, price.marketprice))
    return within(points, whole, place)


KIND = SignalKind("hourly day-ahead prices of Germany or Austria, without a token", AwattarOptions, Awattar, faults)
