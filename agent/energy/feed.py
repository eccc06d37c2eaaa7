# SPDX-License-Identifier: Apache-2.0
"""Keeps one signal's days in store and says what holds now. On the loop's thread; files and sources do not block it."""

from __future__ import annotations

import asyncio
import datetime
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy import refresh
from agent.energy.policies.situation import Freshness
from agent.energy.signals.interface import SignalDay, SignalError, SignalUnit
from agent.energy.signals.names import check_name, check_zone
from agent.energy.signals.points import check
from agent.energy.slots import day_slot, local_day

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.day_store import DayStore
    from agent.energy.policies.situation import SignalView
    from agent.energy.signals.interface import SignalPoint, SignalSource

log = logging.getLogger(__name__)
FETCH_TIMEOUT_S = 150.0
"""For a source that does not keep to its own deadline."""


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
        """Raises SignalError for a name, unit or zone that cannot be used."""
        check_source(source)
        self.source = source
        self.last_error = ""
        self.fetched = 0
        """Whole days."""
        self.failed = 0
        self._name, self._unit, self._zone, self._origin = source.name, source.unit, source.zone, source.origin
        self._ahead = source.ahead
        self._store = store
        self._clock = clock
        self._max_stale_s = max_stale_s
        self._days: dict[datetime.date, SignalDay] = {}
        self._fresh: SignalView | None = None
        """Of these days; while a value of its own day holds, it is asked for at every look."""
        self._loaded_on: datetime.date | None = None
        self._patience: dict[datetime.date, refresh.Patience] = {}
        self._asked_to_wait = refresh.Patience()
        self._errors: dict[datetime.date, str] = {}
        self._again: set[datetime.date] = set()
        self._fetching: asyncio.Task[SignalDay | Exception] | None = None

    async def load(self) -> None:
        """Take up what an earlier process stored. A damaged file is told and fetched anew."""
        today = self._loaded_on = local_day(self._clock(), self._zone)
        for offset in (-2, -1, 0, 1):
            day = today + datetime.timedelta(days=offset)
            if day in self._days:
                continue
            try:
                data = await asyncio.to_thread(self._store.read, self._name, day)
            except (SignalError, OSError) as error:
                log.warning("signal %s: %s", self._name, error)
                continue
            if data is not None and self._is_ours(data):
                self._days[day] = data
                self._fresh = None

    async def run(self) -> None:
        """Until it is cancelled. Whatever goes wrong is told and tried again."""
        while True:
            try:
                while await self.step():
                    pass  # tomorrow comes right after today
            except Exception:
                log.exception("signal %s", self._name)
            await asyncio.sleep(refresh.LOOK_S)

    async def step(self) -> bool:
        """Fetch one day if it is time to; whether a whole day came. What goes wrong with the source is `last_error`."""
        now_s = self._clock()
        self._forget(now_s)
        if self._loaded_on != local_day(now_s, self._zone):  # at start, and when the clock was set
            await self.load()
        settled = {day: data for day, data in self._days.items() if day not in self._again}
        wanted = refresh.wanted_days(now_s, self._zone, settled, ahead=self._ahead)
        due = [day for day in wanted if self._patience.get(day, refresh.Patience()).over(now_s)]
        if not due or not self._asked_to_wait.over(now_s):
            return False
        day = due[0]
        answer = await self._fetch(day)
        if isinstance(answer, Exception):
            self._fail(day, now_s, answer)
            return False
        return await self._take(day, now_s, answer)

    def again(self) -> None:
        """Ask anew for what is there already: today, and tomorrow where it is known."""
        today = local_day(self._clock(), self._zone)
        self._again = {day for day in self._days if day >= today}

    def view(self, now_s: float) -> SignalView:
        """For the policies."""
        seen = self._fresh
        if seen is None or seen.of_day_at(now_s) is None:
            seen = refresh.view(now_s, self._zone, self._days, self._max_stale_s)
            self._fresh = seen if seen.freshness is Freshness.FRESH else None
        return seen

    def value_at(self, now_s: float) -> Known:
        seen = self.view(now_s)
        point = seen.at(now_s)
        return Known(None if point is None else point.value, seen.freshness, point)

    def horizon(self, now_s: float, seconds: float) -> tuple[SignalPoint, ...]:
        """The points that touch the next `seconds`."""
        return self.view(now_s).between(now_s, now_s + seconds)

    async def history(self, days: int) -> tuple[SignalPoint, ...]:
        """Every value of the last so many days up to now, as far as they are stored."""
        now_s = self._clock()
        today = local_day(now_s, self._zone)
        points: list[SignalPoint] = []
        for offset in range(days - 1, -1, -1):
            day = today - datetime.timedelta(days=offset)
            data = self._days.get(day) or await self._stored(day)
            points.extend(point for point in (data.points if data else ()) if point.end_s <= now_s)
        return tuple(points)

    async def _stored(self, day: datetime.date) -> SignalDay | None:
        """A file that cannot be used is told where it is needed for more."""
        try:
            data = await asyncio.to_thread(self._store.read, self._name, day)
        except (SignalError, OSError):
            return None
        return data if data is not None and self._is_ours(data) else None

    def _is_ours(self, data: SignalDay) -> bool:
        """Not of a source that had the name before."""
        ours = (self._name, self._unit, self._zone, self._origin)
        return (data.signal, data.unit, data.zone, data.source) == ours

    async def _fetch(self, day: datetime.date) -> SignalDay | Exception:
        """In a task of its own: a plug-in may raise anything, cancel itself, or heed no cancellation."""
        if self._fetching is not None and not self._fetching.done():
            return SignalError(f"{self._origin}: the request before still hangs", retry=True)
        task = self._fetching = asyncio.create_task(self._ask(day), name=f"signal-{self._name}-fetch")
        try:
            await asyncio.wait((task,), timeout=FETCH_TIMEOUT_S)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done():
            task.cancel()
            return SignalError(f"{self._origin}: no answer within {FETCH_TIMEOUT_S:g} s", retry=True)
        if task.cancelled():
            return SignalError(f"{self._origin}: the source gave up", retry=True)
        return task.result()

    async def _ask(self, day: datetime.date) -> SignalDay | Exception:
        try:
            data = await self.source.fetch(day)
            if not isinstance(data, SignalDay) or not self._is_ours(data):
                raise SignalError(f"{self._origin}: the answer is for another signal, unit or zone", retry=False)
            check(data.points, day_slot(day, self._zone), self._origin)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plug-in may raise anything: the agent goes on)
            return error if isinstance(error, Exception) else RuntimeError(repr(error))
        return data

    async def _take(self, day: datetime.date, now_s: float, answer: SignalDay) -> bool:
        self._again.discard(day)
        before = self._days.get(day)
        data = refresh.merged(before, answer)
        complete = refresh.is_complete(day, data)
        if complete:
            self._patience.pop(day, None)
            self._errors.pop(day, None)
            self.fetched += 1
        elif not self._ahead and refresh.is_recent(day, data, now_s):
            self._patience[day] = refresh.Patience(0, now_s, refresh.GROWING_WAIT_S)
            self._errors.pop(day, None)
        else:
            self._fail(day, now_s, SignalError(f"{self._origin}: not the whole of {day} yet", retry=True))
        if not self._errors:
            self.last_error = ""
        if data.points and (before is None or data.points != before.points):
            self._days[day] = data
            self._fresh = None
            await self._keep(day, data)
        return complete

    async def _keep(self, day: datetime.date, data: SignalDay) -> None:
        try:
            await asyncio.to_thread(self._store.write, day, data)
        except OSError as error:
            log.warning("signal %s: %s is not stored: %s", self._name, day, error)

    def _fail(self, day: datetime.date, now_s: float, error: Exception) -> None:
        """The same error of the same day is told once."""
        if not isinstance(error, SignalError):
            error = SignalError(f"{self._origin}: {type(error).__name__}: {error}", retry=True)
        text = str(error)
        patience = self._patience.get(day, refresh.Patience())
        self._patience[day] = patience.after_failure(now_s) if error.retry else patience.after_refusal(now_s)
        if error.after_s is not None:
            self._asked_to_wait = refresh.Patience().after_failure(now_s, error.after_s)
        level = logging.DEBUG if self._errors.get(day) == text else logging.WARNING
        log.log(level, "signal %s: %s", self._name, text)
        self._errors[day] = self.last_error = text
        self.failed += 1

    def _forget(self, now_s: float) -> None:
        today = local_day(now_s, self._zone)
        oldest, newest = today - datetime.timedelta(days=2), today + datetime.timedelta(days=1)
        kept = {day: data for day, data in self._days.items() if oldest <= day <= newest}
        if kept.keys() != self._days.keys():
            self._days, self._fresh = kept, None
        self._patience = {day: one for day, one in self._patience.items() if today <= day <= newest}
        self._errors = {day: text for day, text in self._errors.items() if today <= day <= newest}


def check_source(source: SignalSource) -> None:
    """Raises SignalError where a source does not say properly what it is."""
    check_name(source.name)
    if not isinstance(source.unit, SignalUnit):
        raise SignalError(f"{source.name}: unit is no SignalUnit", retry=False)
    if not isinstance(source.origin, str) or not source.origin.isprintable() or not 0 < len(source.origin) <= 200:
        raise SignalError(f"{source.name}: origin is to be one short line", retry=False)
    check_zone(source.zone)
