# SPDX-License-Identifier: Apache-2.0
"""ENTSO-E's transparency platform: day-ahead prices (A44), load (A65) and generation (A75) of Europe, with a token."""

from __future__ import annotations

import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.energy.signals.entsoe_points import day_points, of_auction, require, summed
from agent.energy.signals.entsoe_xml import read_document
from agent.energy.signals.http import HttpRefused
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.token_file import read_token
from agent.energy.signals.web import Web, WebOptions, web_faults
from agent.energy.slots import QUARTER_S, Slot, day_slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

URL = "https://web-api.tp.entsoe.eu/api"
BAD_REQUEST = 400


class EntsoeSeries(Enum):
    PRICE = "price"
    LOAD = "load"
    LOAD_FORECAST = "load-forecast"
    """Of the day before."""
    GENERATION = "generation"
    """Sum of all kinds of production."""


class Resolution(Enum):
    QUARTER = "PT15M"
    HOUR = "PT60M"


QUERY = {
    EntsoeSeries.PRICE: {"documentType": "A44"},
    EntsoeSeries.LOAD: {"documentType": "A65", "processType": "A16"},
    EntsoeSeries.LOAD_FORECAST: {"documentType": "A65", "processType": "A01"},
    EntsoeSeries.GENERATION: {"documentType": "A75", "processType": "A16"},
}
AREA_KEYS = {
    EntsoeSeries.PRICE: ("in_Domain", "out_Domain"),
    EntsoeSeries.LOAD: ("outBiddingZone_Domain",),
    EntsoeSeries.LOAD_FORECAST: ("outBiddingZone_Domain",),
    EntsoeSeries.GENERATION: ("in_Domain",),
}
STEP_S = {Resolution.QUARTER: 900, Resolution.HOUR: 3600, None: None}
AHEAD = frozenset({EntsoeSeries.PRICE, EntsoeSeries.LOAD_FORECAST})


class EntsoeOptions(WebOptions, frozen=True, kw_only=True):
    """`area` is the EIC code of a bidding zone, such as 10YFR-RTE------C or 10Y1001A1001A82H (DE-LU)."""

    area: Annotated[str, msgspec.Meta(pattern="^[0-9A-Z-]{16}$")]
    token_file: str
    """A file of mode 0600 with the security token, or `credential:NAME`."""
    series: EntsoeSeries = EntsoeSeries.PRICE
    sequence: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1
    """Of prices, where a zone has several auctions: 1 = the coupled day-ahead market, 2 = the one before it (EXAA)."""
    resolution: Resolution | None = None
    """Unless given, the finest that is published."""
    url: str = URL


def faults(options: EntsoeOptions) -> Iterator[Fault]:
    yield from web_faults(options.url, options.proxy)
    if not options.token_file:
        yield "token_file", "is empty: name the file with the security token"


class Entsoe:
    """Implements SignalSource."""

    step_s = QUARTER_S

    def __init__(self, options: EntsoeOptions, around: Around) -> None:
        self.name, self.zone = around.name, around.zone
        self.unit = SignalUnit.EUR_PER_MWH if options.series is EntsoeSeries.PRICE else SignalUnit.MW
        self.ahead = options.series in AHEAD
        which = f" sequence {options.sequence}" if options.series is EntsoeSeries.PRICE else ""
        step = f" {options.resolution.value}" if options.resolution else ""
        self.origin = f"entsoe {options.series.value} {options.area}{which}{step}"
        self._options = options
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        options, whole = self._options, day_slot(day, self.zone)
        query = {
            **QUERY[options.series],
            **dict.fromkeys(AREA_KEYS[options.series], options.area),
            "periodStart": _utc(whole.start_utc_s),
            "periodEnd": _utc(whole.end_utc_s),
        }
        token: list[str] = []

        def secret() -> dict[str, str]:
            token.append(read_token(options.token_file))
            return {"securityToken": token[0]}

        def read(body: bytes) -> tuple[SignalPoint, ...]:
            return parse(body, options.url, whole, options)

        try:
            return day_said(self, await self._web.get(options.url, query, read, secret_query=secret))
        except SignalError as error:
            # A bad request is also what is said of a day without data; and a reason may repeat what was asked.
            retry = error.retry or (isinstance(error, HttpRefused) and error.status == BAD_REQUEST)
            text = str(error).replace(token[0], "...") if token else str(error)
            raise SignalError(text, retry=retry, after_s=error.after_s) from None


def parse(body: bytes, place: str, whole: Slot, options: EntsoeOptions) -> tuple[SignalPoint, ...]:
    """The points of one day. Raises SignalError, also when there is no data: with ENTSO-E's own words."""
    document = read_document(body, place)
    if document.reason:
        raise SignalError(f"{place}: no data for {options.area}: {document.reason}", retry=True)
    step_s = STEP_S[options.resolution]
    if options.series is EntsoeSeries.PRICE:
        series = of_auction(document.series, options.sequence)
        require(series, "currency_Unit.name", "EUR", place)
        require(series, "price_Measure_Unit.name", "MWH", place)
        return day_points(series, whole, step_s, place)
    require(document.series, "quantity_Measure_Unit.name", "MAW", place)
    if options.series is EntsoeSeries.GENERATION:
        return summed(document.series, whole, step_s, place)
    return day_points(document.series, whole, step_s, place)


def _utc(at_s: int) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y%m%d%H%M")


KIND = SignalKind(
    "day-ahead prices, load and generation of Europe by ENTSO-E, with a token", EntsoeOptions, Entsoe, faults
)
