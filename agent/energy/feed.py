# SPDX-License-Identifier: Apache-2.0
"""Keeps one signal's days in store and says what holds now. On the loop's thread; files and sources do not block it."""

from __future__ import annotations

import asyncio
import datetime
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy import refresh
from agent.energy.signals.interface import SignalError
from agent.energy.slots import local_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.day_store import DayStore
    from agent.energy.policies.situation import Freshness, SignalView
    from agent.energy.signals.interface import SignalDay, SignalPoint, SignalSource

log = logging.getLogger(__name__)
FETCH_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Known:
    """What holds at an instant; `value` and `point` are None where nothing does."""

    value: float | None
    state: Freshness
    point: SignalPoint | None


class SignalFeed:
    """One source, its days and its failures. `clock` gives Unix time."""

    def __init__(
        self,
        source: SignalSource,
        store: DayStore,
        clock: Callable[[], float],
        max_stale_s: float = refresh.MAX_STALE_S,
    ) -> None:
        self.source = source
        self.last_error = ""
        self.fetched = 0
        self.failed = 0
        self._store = store
        self._clock = clock
        self._max_stale_s = max_stale_s
        self._days: dict[datetime.date, SignalDay] = {}
        self._patience = refresh.Patience()

    async def load(self) -> None:
        """Take up what an earlier process stored. A damaged file is told and fetched anew."""
        today = local_day(self._clock(), self.source.zone)
        for offset in (-2, -1, 0, 1):
            day = today + datetime.timedelta(days=offset)
            try:
                data = await asyncio.to_thread(self._store.read, self.source.name, day)
            except (SignalError, OSError) as error:
                log.warning("signal %s: %s", self.source.name, error)
                continue
            if data is not None and (data.unit, data.zone) == (self.source.unit, self.source.zone):
                self._days[day] = data

    async def run(self) -> None:
        """Until it is cancelled. Failures of the source and of the disk are told and tried again."""
        await self.load()
        while True:
            await self.step()
            await asyncio.sleep(refresh.LOOK_S)

    async def step(self) -> bool:
        """Fetch one day if it is time to; whether a day came."""
        now_s = self._clock()
        self._forget(now_s)
        day = refresh.wanted_day(now_s, self.source.zone, self._days)
        if day is None or not self._patience.over(now_s):
            return False
        try:
            data = await asyncio.wait_for(self.source.fetch(day), FETCH_TIMEOUT_S)
            if (data.unit, data.zone) != (self.source.unit, self.source.zone):
                raise SignalError(f"{data.source} answered in another unit or zone", retry=False)
        except Exception as error:  # noqa: BLE001  (a plug-in may raise anything: the agent goes on)
            self._fail(now_s, error)
            return False
        complete = refresh.is_complete(day, data)
        if not complete:
            self._fail(now_s, SignalError(f"{data.source} has not the whole of {day} yet", retry=True))
        else:
            self._patience, self.last_error = refresh.Patience(), ""
            self.fetched += 1
        if data.points:
            self._days[day] = data
            await self._keep(day, data)
        return complete

    def view(self, now_s: float) -> SignalView:
        """For the policies."""
        return refresh.view(now_s, self.source.zone, self._days, self._max_stale_s)

    def value_at(self, now_s: float) -> Known:
        seen = self.view(now_s)
        point = seen.at(now_s)
        return Known(None if point is None else point.value, seen.freshness, point)

    def horizon(self, now_s: float, seconds: float) -> tuple[SignalPoint, ...]:
        """The points that touch the next `seconds`."""
        return self.view(now_s).between(now_s, now_s + seconds)

    async def _keep(self, day: datetime.date, data: SignalDay) -> None:
        try:
            await asyncio.to_thread(self._store.write, day, data)
        except OSError as error:
            log.warning("signal %s: %s is not stored: %s", self.source.name, day, error)

    def _fail(self, now_s: float, error: Exception) -> None:
        after_s = error.after_s if isinstance(error, SignalError) else None
        self._patience = self._patience.after_failure(now_s, after_s)
        self.last_error = str(error) or type(error).__name__
        self.failed += 1
        log.warning("signal %s: %s", self.source.name, self.last_error)

    def _forget(self, now_s: float) -> None:
        oldest = local_day(now_s, self.source.zone) - datetime.timedelta(days=2)
        self._days = {day: data for day, data in self._days.items() if day >= oldest}
