# SPDX-License-Identifier: Apache-2.0
"""Day-ahead prices of energy-charts.info (Fraunhofer ISE): parallel arrays of times and prices, some of them null."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.points import of_series
from agent.energy.signals.web import Web, WebOptions, decoded, web_faults
from agent.energy.slots import QUARTER_S, Slot, day_slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

URL = "https://api.energy-charts.info/price"
UNIT = "EUR/MWh"
"""For every zone, also where people pay in another currency."""


class PriceOptions(WebOptions, frozen=True, kw_only=True):
    """`bidding_zone` such as DE-LU or FR."""

    bidding_zone: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{2,16}$")]
    url: str = URL


def faults(options: PriceOptions) -> Iterator[Fault]:
    yield from web_faults(options.url, options.proxy)


class _Answer(msgspec.Struct):
    unix_seconds: list[int] | None = None
    price: list[float | None] | None = None
    unit: str = UNIT


class EnergyChartsPrice:
    """Implements SignalSource."""

    unit = SignalUnit.EUR_PER_MWH
    step_s = QUARTER_S
    ahead = True

    def __init__(self, options: PriceOptions, around: Around) -> None:
        self.name, self.zone = around.name, around.zone
        self.origin = f"energy-charts price {options.bidding_zone}"
        self._options = options
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        url, whole = self._options.url, day_slot(day, self.zone)
        query = {"bzn": self._options.bidding_zone, **span(whole)}
        return day_said(self, await self._web.get(url, query, lambda body: parse_prices(body, url, whole)))


def parse_prices(body: bytes, place: str, whole: Slot) -> tuple[SignalPoint, ...]:
    """The points of one day; null is a hole. Raises SignalError."""
    answer = decoded(body, _Answer, place)
    if answer.unit.replace(" ", "") != UNIT:
        raise SignalError(f"{place}: prices in {answer.unit[:20]}, not in {UNIT}", retry=False)
    return of_series(answer.unix_seconds or [], answer.price or [], whole, place)


def span(whole: Slot) -> dict[str, str]:
    """The day as this server is asked for it."""
    return {"start": _utc(whole.start_utc_s), "end": _utc(whole.end_utc_s)}


def _utc(at_s: int) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")


KIND = SignalKind(
    "day-ahead prices of Europe's bidding zones, without a token (CC BY 4.0 for most zones)",
    PriceOptions,
    EnergyChartsPrice,
    faults,
)
