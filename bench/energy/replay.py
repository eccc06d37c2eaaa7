# SPDX-License-Identifier: Apache-2.0
"""The year through the agent's own view, policies and decision: one cap for each quarter."""

from __future__ import annotations

import datetime
import resource
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.energy import refresh
from agent.energy.decide import Smoothing, decide
from agent.energy.policies.carbon import CarbonThresholdPolicy
from agent.energy.policies.price import PricePolicy
from agent.energy.policies.situation import CapRange, Freshness, Situation
from agent.energy.policies.volume import VolumePolicy
from agent.energy.slots import day_slot, quarters
from bench.energy.workload import MOST_W
from bench.energy.year import CARBON, PRICE, VOLUME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.policies.of_signal import OfSignal
    from bench.energy.year import Year

SMOOTHING = Smoothing(dead_band_w=2.0)
QUARTER_S = 900.0
WARM_DAYS = 60
"""What the interpreter sets aside by itself is there after so many days."""


@dataclass(frozen=True)
class Case:
    """Which policies decide, and within which range."""

    policies: tuple[OfSignal, ...]
    least_w: float = 120.0

    @property
    def cap_range(self) -> CapRange:
        return CapRange(min_w=self.least_w, max_w=MOST_W, safe_w=150.0)

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(policy.signal for policy in self.policies)


BY_PRICE = PricePolicy("price", PRICE)
BY_CARBON = CarbonThresholdPolicy("carbon", CARBON, reduction=0.4)
CASES = {
    "price": Case((BY_PRICE,)),
    "carbon": Case((BY_CARBON,)),
    "volume": Case((VolumePolicy("volume", VOLUME),)),
    "price+carbon": Case((BY_PRICE, BY_CARBON)),
    "price, least 80 W": Case((BY_PRICE,), least_w=80.0),
}


@dataclass(frozen=True)
class Replay:
    """What was decided."""

    caps_w: array[float]
    month_per_s: Sequence[float]
    """Decisions per second, month by month."""
    adjustments: int
    outside: int
    """Caps outside of their range."""
    safe: int
    """Quarters under the safe cap, because nothing was known."""
    stale: int
    growth_kb: int
    """Of the process's memory, after the first weeks."""


def replay(year: Year, case: Case) -> Replay:
    """Each quarter of the year, in order."""
    policies, names, cap_range = case.policies, case.signals, case.cap_range
    count = len(year.values(PRICE))
    caps_w = array("d", bytes(8 * count))
    last_w: float | None = None
    adjustments = outside = safe = stale = number = 0
    months: list[float] = []
    warm_kb = rss_kb()
    in_month, began_s = 0, time.perf_counter()
    for index, day in enumerate(year.days):
        if index == WARM_DAYS:
            warm_kb = rss_kb()
        near = [day + datetime.timedelta(days=offset) for offset in (-2, -1, 0, 1)]
        days = {name: {one: year.known[name][one] for one in near if one in year.known[name]} for name in names}
        day_end_s = day_slot(day, year.zone).end_utc_s
        for slot in quarters(day, year.zone):
            now_s = float(slot.start_utc_s)
            views = {name: refresh.view(now_s, year.zone, days[name]) for name in names}
            situation = Situation(now_s, day_end_s, cap_range, views)
            proposals = [policy.propose(situation) for policy in policies]
            cap_w = decide(proposals, cap_range, SMOOTHING, last_w, QUARTER_S).cap_w
            fresh = {view.freshness for view in views.values()}
            safe += Freshness.EXPIRED in fresh
            stale += Freshness.STALE in fresh
            adjustments += cap_w != last_w
            outside += not cap_range.min_w <= cap_w <= cap_range.max_w
            caps_w[number] = last_w = cap_w
            number += 1
            in_month += 1
        if (day + datetime.timedelta(days=1)).day == 1 or day == year.days[-1]:
            months.append(in_month / (time.perf_counter() - began_s))
            in_month, began_s = 0, time.perf_counter()
    return Replay(caps_w, months, adjustments, outside, safe, stale, max(rss_kb() - warm_kb, 0))


def rss_kb() -> int:
    """Memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise OSError("/proc/self/status has no VmRSS")


def peak_rss_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
