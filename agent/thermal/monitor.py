# SPDX-License-Identifier: Apache-2.0
"""Polls the sensors; a reading is a value with a time, or unavailable with a reason (safety rule 14)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.thermal.reading import LOST_AFTER_POLLS, NOT_READ_YET, SensorReading, plausible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.profile.schema import SensorTable
    from agent.thermal.sources import SensorSource

log = logging.getLogger(__name__)

POLL_S = 2.0
STALE_NS = 10_000_000_000
"""Supplies and remote BMCs are polled by others: a reading as old as that is none."""


class SensorMonitor:
    """Used on the loop's thread."""

    def __init__(
        self,
        tables: Sequence[SensorTable],
        sources: Mapping[str, SensorSource],
        emit: Callable[..., object],
        polled: Callable[[], None] = lambda: None,
    ) -> None:
        """`sources` by the name of the sensor; `polled` is called after every round."""
        self.tables = tuple(tables)
        self._sources = sources
        self._emit = emit
        self._polled = polled
        self._readings = {table.name: NOT_READ_YET for table in tables}
        self._failed_polls = dict.fromkeys(self._readings, 0)
        self._task: asyncio.Task[None] | None = None

    def reading(self, name: str) -> SensorReading:
        return self._readings[name]

    def readings(self) -> Mapping[str, SensorReading]:
        """The last reading of every sensor."""
        return dict(self._readings)

    def start(self) -> None:
        if self.tables:
            self._task = asyncio.create_task(self._run(), name="sensors")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self.poll()
            try:
                self._polled()
            except Exception:  # who listens must not end who reads
                log.exception("after a round over the sensors")
            await asyncio.sleep(POLL_S)

    async def poll(self) -> None:
        """One round over all sensors."""
        await asyncio.gather(*map(self._poll_one, self.tables))

    async def _poll_one(self, table: SensorTable) -> None:
        reading = self._readings[table.name] = await self._read(table)
        if reading.value is None:
            self._failed_polls[table.name] += 1
            if self._failed_polls[table.name] == LOST_AFTER_POLLS:
                self._emit(EventKind.SENSOR_LOST, f"sensor/{table.name}", table.name, reading.why)
            return
        if self._failed_polls[table.name] >= LOST_AFTER_POLLS:
            self._emit(EventKind.SENSOR_RECOVERED, f"sensor/{table.name}", table.name)
        self._failed_polls[table.name] = 0

    async def _read(self, table: SensorTable) -> SensorReading:
        try:
            reading = plausible(table.quantity, await self._sources[table.name].read())
        except OSError as error:
            return SensorReading.unavailable(error.strerror or str(error))
        except Exception as error:  # one adapter's fault must not blind the others
            log.exception("sensor %s", table.name)
            return SensorReading.unavailable(f"its adapter failed: {error}")
        if reading.value is not None and time.monotonic_ns() - reading.mono_ns > STALE_NS:
            return SensorReading.unavailable("nothing new was read for a while")
        return reading
