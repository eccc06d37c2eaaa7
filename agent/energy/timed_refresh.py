# SPDX-License-Identifier: Apache-2.0
"""Has signals fetched anew at the times that the operator wants, beside what is missing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.energy.cron import Cron
    from agent.energy.feed import SignalFeed

log = logging.getLogger(__name__)

LOOK_S = 20.0
"""The clock may be set meanwhile."""


class TimedRefresh:
    """`clock` gives Unix time. Used on the loop's thread."""

    def __init__(self, cron: Cron, zone: str, feeds: Iterable[SignalFeed], clock: Callable[[], float]) -> None:
        self._cron = cron
        self._zone = zone
        self._feeds = tuple(feeds)
        self._clock = clock
        self._looked_s = clock()
        self._next_s = cron.next_after(self._looked_s, zone)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                self.step()
            except Exception:  # a fault of ours must not end the watch
                log.exception("refresh_cron")
            await asyncio.sleep(LOOK_S)

    def step(self) -> bool:
        """Whether it was time. A clock that was set back is asked anew."""
        now_s = self._clock()
        due, set_back = now_s >= self._next_s, now_s < self._looked_s
        if due:
            for feed in self._feeds:
                feed.again()
        if due or set_back:  # to ask costs milliseconds of the loop
            self._next_s = self._cron.next_after(now_s, self._zone)
        self._looked_s = now_s
        return due
