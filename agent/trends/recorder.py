# SPDX-License-Identifier: Apache-2.0
"""Samples readings for their trends, stores them every few minutes, and gives them back as points in time.

The axis of a trend is elapsed time (safety rule 22): a clock that is set or leaps bends no trend. Only while the agent
does not run is the wall clock asked how long that was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.store.database import StoreError
from agent.trends.series import Series
from agent.trends.span import GRIDS, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.trends.archive import TrendArchive

log = logging.getLogger(__name__)

SAMPLE_S = 5.0
STORE_S = 300.0
"""Flash wear against what a kill may lose."""
MAX_READINGS = 128
MAX_ABSENCE_S = 31 * 86_400.0
"""Longer than any trend: a clock that leaps by years must not make the axis leap as far."""
CLOCK_SET_UNIX_S = 1_767_225_600
"""2026-01-01: a clock that says less is not set yet."""


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a trend."""

    age_s: float
    """How long ago it began."""
    unix_s: float | None
    """When it began, by the wall clock as it is now; None while that is not set."""
    mean: float
    low: float
    high: float


class TrendRecorder:
    """Used on the loop's thread."""

    def __init__(
        self,
        archive: TrendArchive,
        readings: Callable[[], Mapping[str, float | None]],
        clock_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        """`readings` gives all present values by name, None = unavailable; at most MAX_READINGS are kept.

        Raises StoreError.
        """
        self._archive = archive
        self._readings = readings
        self._clock_s = clock_s
        self._unix_s = unix_s
        self._series: dict[str, Series] = {}
        self._stored_at_s = clock_s()
        self._task: asyncio.Task[None] | None = None
        self._axis_at_start_s = self._restore()
        self._began_s = clock_s()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="trends")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            await self.store()

    def names(self) -> list[str]:
        """Every reading that has a trend."""
        return sorted(self._series)

    async def points(self, reading: str, span: Span) -> list[Point]:
        """The trend of a known reading, oldest first; a step without a value has no point. Raises StoreError."""
        grid, now_s = GRIDS[span], self._axis_s()
        buckets = {bucket.position: bucket for bucket in await self._archive.read(reading, span)}
        buckets |= {bucket.position: bucket for bucket in self._series[reading].fresh_of(span)}
        oldest = grid.position(now_s) - grid.steps
        now_unix_s = self._unix_s()
        began_unix_s = now_unix_s - now_s if now_unix_s >= CLOCK_SET_UNIX_S else None
        return [
            Point(
                now_s - position * grid.step_s,
                None if began_unix_s is None else began_unix_s + position * grid.step_s,
                bucket.mean,
                bucket.low,
                bucket.high,
            )
            for position, bucket in sorted(buckets.items())
            if position > oldest
        ]

    def sample(self) -> None:
        """Take in the readings of this instant."""
        axis_s = self._axis_s()
        for name, value in self._readings().items():
            if name not in self._series and len(self._series) >= MAX_READINGS:
                continue
            series = self._series.setdefault(name, Series())
            if value is not None:
                series.add(axis_s, value)

    async def store(self) -> None:
        """Store what is not stored yet; what cannot be stored now is tried again with the next."""
        self._stored_at_s = self._clock_s()
        fresh = {name: series.fresh() for name, series in self._series.items()}
        rows = [(name, span, bucket) for name, buckets in fresh.items() for span, bucket in buckets]
        try:
            await self._archive.write(rows, self._axis_s(), self._unix_s())
        except StoreError as error:
            log.warning("trends are not stored: %s", error)
            return
        for name, buckets in fresh.items():
            self._series[name].stored(buckets)

    def _axis_s(self) -> float:
        return self._axis_at_start_s + self._clock_s() - self._began_s

    def _restore(self) -> float:
        """What was begun goes on; returns where on the axis."""
        clock = self._archive.clock()
        if clock is None:
            return 0.0
        axis_s, stored_unix_s = clock
        if stored_unix_s >= CLOCK_SET_UNIX_S:
            axis_s += min(max(0.0, self._unix_s() - stored_unix_s), MAX_ABSENCE_S)
        self._archive.forget_old(axis_s)
        wanted = self._readings()
        for name, span, bucket in self._archive.begun(axis_s):
            if name in wanted:
                self._series.setdefault(name, Series()).resume(span, bucket)
        return axis_s

    async def _run(self) -> None:
        while True:
            try:
                self.sample()
            except Exception:  # a fault in one reading must not end all trends
                log.exception("no sample for the trends")
            if self._clock_s() - self._stored_at_s >= STORE_S:
                await self.store()
            await asyncio.sleep(SAMPLE_S)
