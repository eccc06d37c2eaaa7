# SPDX-License-Identifier: Apache-2.0
"""Reports of this machine, from what the controller counted and the days that the feeds have stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.meters.interface import Quantity
from agent.energy.report import CARBON, Counts, Series, report
from agent.energy.signals.interface import SignalUnit
from agent.energy.slots import day_slot, local_day

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.energy.controller import EnergyController
    from agent.energy.report import Report
    from agent.energy.work_hours import WorkHours

DAY_S = 86_400
PRICES = frozenset({SignalUnit.EUR_PER_MWH})


class Reporting:
    """Used on the loop's thread."""

    def __init__(self, controller: EnergyController, work: WorkHours, zone: str, look_s: float) -> None:
        self._controller = controller
        self._work = work
        self._zone = zone
        self._look_s = look_s
        self._carbon: tuple[str, int, float] | None = None
        """Signal, minute and grams of the last answer: it is asked for at every look."""

    async def report(self, from_s: float, to_s: float) -> Report:
        """Of the whole machine, or of its processors where nothing else is measured. Raises ValueError."""
        ledger, view = self._controller.counters.ledger, self._controller.view
        quantity = Quantity.NODE_W if ledger.hours[Quantity.NODE_W] else Quantity.CPU_W
        days = int((to_s - from_s) // DAY_S) + 2
        return report(
            ledger,
            quantity,
            from_s,
            to_s,
            prices=await self._series(PRICES, days),
            carbon=await self._series(CARBON, days),
            limit_w=None if view.cap_range is None else view.cap_range.max_w,
            work=self._work.between(from_s, to_s),
            counts=self._counts(),
        )

    def carbon_today_g(self, signal: str, now_s: float) -> float:
        """Since midnight, as far as it is known; up to a minute old."""
        minute = int(now_s // 60)
        if self._carbon is None or self._carbon[:2] != (signal, minute):
            self._carbon = (signal, minute, self._carbon_g(signal, now_s))
        return self._carbon[2]

    def _carbon_g(self, signal: str, now_s: float) -> float:
        feed = self._controller.feeds[signal]
        midnight_s = day_slot(local_day(now_s, self._zone), self._zone).start_utc_s
        if feed.source.unit not in CARBON or now_s <= midnight_s:
            return 0.0
        ledger = self._controller.counters.ledger
        quantity = Quantity.NODE_W if ledger.hours[Quantity.NODE_W] else Quantity.CPU_W
        series = Series(feed.source.unit, feed.view(now_s).points)
        told = report(ledger, quantity, midnight_s, now_s, carbon=series).carbon
        return 0.0 if told is None else told.amount

    async def _series(self, units: Collection[SignalUnit], days: int) -> Series | None:
        """Of the first signal of such a unit."""
        for feed in self._controller.feeds.values():
            if feed.source.unit in units:
                return Series(feed.source.unit, await feed.history(days))
        return None

    def _counts(self) -> Counts:
        counts, feeds = self._controller.view.counts, self._controller.feeds.values()
        return Counts(
            cap_adjustments=counts.adjustments,
            refreshes=sum(feed.fetched for feed in feeds),
            refresh_failures=sum(feed.failed for feed in feeds),
            rapl_errors=counts.rapl_errors,
            data_wanted_s=counts.looks * self._look_s if self._controller.feeds else 0.0,
            data_known_s=counts.looks_with_data * self._look_s,
        )
