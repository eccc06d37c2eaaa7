# SPDX-License-Identifier: Apache-2.0
"""Answers about the time ahead: how a signal or the load goes on, and when a job that can wait is run best."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.deferral import MIN_SAVING, NoWindow, Window, best_window
from agent.energy.forecast.hours import forecast
from agent.energy.forecast.interface import Forecast, NoForecast
from agent.energy.history import power_history
from agent.energy.meters.interface import Quantity
from agent.energy.signals.interface import SignalUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.controller import EnergyController
    from agent.energy.feed import SignalFeed
    from agent.energy.forecast.interface import ForecastPoint

DAYS = 15
"""Of history that a forecast sees: two weeks and the present day."""
DAY_S = 86_400.0
PREFERRED = (SignalUnit.EUR_PER_MWH, SignalUnit.G_PER_KWH, SignalUnit.MARGINAL_G_PER_KWH)
"""What a job that can wait is put off by, unless it is said."""
LOADS = {quantity.value: quantity for quantity in Quantity}


class UnknownSignal(Exception):
    """One sentence with what there is."""


@dataclass(frozen=True, slots=True)
class Advice:
    """`window` None: `why` says why there is none."""

    signal: str
    unit: SignalUnit
    window: Window | None
    why: str


class Planning:
    """Used on the loop's thread; what takes long runs on another."""

    def __init__(self, controller: EnergyController, zone: str) -> None:
        self._controller = controller
        self._zone = zone

    async def forecast(self, what: str, now_s: float, horizon_s: float) -> Forecast | NoForecast:
        """Of a signal, or of the load: `node_w`, `cpu_w`. Raises UnknownSignal, ValueError."""
        if what in LOADS:
            history = power_history(self._controller.counters.ledger, LOADS[what])
            zone = self._zone
        else:
            feed = self._feed(what)
            history, zone = await feed.history(DAYS), feed.source.zone
        return await asyncio.to_thread(forecast, history, now_s, horizon_s, zone)

    async def best_window(
        self, signal: str, duration_s: float, now_s: float, before_s: float, min_saving: float = MIN_SAVING
    ) -> Advice:
        """What the signal's source does not tell yet is forecast. Raises UnknownSignal, ValueError."""
        name = signal or _preferred(self._controller.feeds)
        feed = self._feed(name)
        known = feed.horizon(now_s, max(before_s - now_s, 0.0))
        until_s = max((point.end_s for point in known), default=now_s)
        note = ""
        expected: tuple[ForecastPoint, ...] = ()
        if until_s < before_s and now_s < before_s:
            found = await self.forecast(name, now_s, min(before_s - now_s, DAY_S))
            if isinstance(found, Forecast):
                expected = tuple(point for point in found.points if point.start_s >= until_s)
                note = "; a part of it is forecast" if expected else ""
        answer = best_window((*known, *expected), duration_s, now_s, before_s, min_saving)
        window = None if isinstance(answer, NoWindow) else answer
        return Advice(name, feed.source.unit, window, answer.why + note)

    def _feed(self, name: str) -> SignalFeed:
        feeds = self._controller.feeds
        if name not in feeds:
            raise UnknownSignal(f"there is no signal {name!r}; there are: {', '.join(feeds) or 'none'}")
        return feeds[name]


def _preferred(feeds: Mapping[str, SignalFeed]) -> str:
    """Raises UnknownSignal."""
    for unit in PREFERRED:
        for name, feed in feeds.items():
            if feed.source.unit is unit:
                return name
    raise UnknownSignal("there is no signal of price or carbon: name one")
