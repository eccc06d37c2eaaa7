# SPDX-License-Identifier: Apache-2.0
"""A feed with a clock that tests move."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING, Any

from agent.energy.day_store import DayStore
from agent.energy.feed import SignalFeed
from agent.energy.slots import day_slot
from tests.agent.energy.signals.sources import PARIS

if TYPE_CHECKING:
    from pathlib import Path

    from agent.energy.policies.situation import Freshness
    from agent.energy.signals.interface import SignalSource

HOUR_S, DAY_S = 3600.0, 86_400.0
DAY = datetime.date(2025, 10, 9)
START_S = float(day_slot(DAY, PARIS).start_utc_s)
NOON_S = START_S + 12 * HOUR_S
ONE_DAY = datetime.timedelta(days=1)


class World:
    """A feed, its clock and its directory."""

    def __init__(self, folder: Path, source: SignalSource, now_s: float = NOON_S, **options: Any) -> None:
        self.folder, self.source, self.now_s, self.options = folder, source, now_s, options
        self.restart()

    def restart(self) -> None:
        self.feed = SignalFeed(self.source, DayStore(self.folder), lambda: self.now_s, **self.options)

    def step(self) -> bool:
        return asyncio.run(self.feed.step())

    def steps(self, seconds: float, each_s: float = 30.0) -> None:
        async def many() -> None:
            for _ in range(int(seconds // each_s)):
                self.now_s += each_s
                await self.feed.step()

        asyncio.run(many())

    def known(self) -> tuple[float | None, Freshness]:
        found = self.feed.value_at(self.now_s)
        return found.value, found.state
