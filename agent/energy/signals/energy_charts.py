# SPDX-License-Identifier: Apache-2.0
"""Day-ahead prices of energy-charts.info (Fraunhofer ISE): parallel arrays of times and prices, some of them null."""

from __future__ import annotations

import datetime
import itertools
import json
import time
import urllib.parse
from dataclasses import dataclass

from agent.energy.signals.http import get
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.slots import QUARTER_S, Slot, day_slot

URL = "https://api.energy-charts.info/price"
STEPS_S = (900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class EnergyChartsPrice:
    """`bidding_zone` such as DE-LU or FR."""

    name: str
    zone: str
    bidding_zone: str
    url: str = URL
    unit: SignalUnit = SignalUnit.EUR_PER_MWH
    step_s: int = QUARTER_S

    async def fetch(self, day: datetime.date) -> SignalDay:
        whole = day_slot(day, self.zone)
        span = {"start": _utc(whole.start_utc_s), "end": _utc(whole.end_utc_s)}
        query = urllib.parse.urlencode({"bzn": self.bidding_zone, **span})
        points = parse_prices(await get(f"{self.url}?{query}"), self.url, whole)
        return SignalDay(self.name, self.unit, self.zone, self.url, time.time(), points)


def parse_prices(body: bytes, place: str, whole: Slot) -> tuple[SignalPoint, ...]:
    """The points of one day; null is a hole. Raises SignalError."""
    try:
        answer = json.loads(body)
        starts, prices = answer["unix_seconds"], answer["price"]
        if answer.get("unit", "EUR / MWh").replace(" ", "") != "EUR/MWh":
            raise ValueError(f"unit {answer['unit']}")
        if any(type(start) is not int for start in starts) or len(starts) != len(prices):
            raise ValueError("times and prices do not match")
        gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
        step_s = min(gaps, default=3600)
        if step_s not in STEPS_S or any(gap % step_s for gap in gaps):
            raise ValueError(f"steps of {step_s} s")
        return tuple(
            SignalPoint(start, step_s, float(price))
            for start, price in zip(starts, prices, strict=True)
            if price is not None and whole.start_utc_s <= start < whole.end_utc_s
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignalError(f"{place}: not the answer of energy-charts: {error!r}", retry=True) from error


def _utc(at_s: int) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
