# SPDX-License-Identifier: Apache-2.0
"""Polls the temperature sensors; a reading is a value with a time, or unavailable with a reason (safety rule 14)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.hardware.lm75 import read_temperature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.smbus import SmbusPort
    from agent.profile.schema import SensorTable

POLL_S = 2.0
LOST_AFTER_POLLS = 3
"""One failed poll reads unavailable; so many in a row are an event."""


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """`celsius` is None when unavailable, and `why` says so."""

    celsius: float | None
    mono_ns: int
    why: str = ""


class TemperatureMonitor:
    """Used on the loop's thread."""

    def __init__(
        self,
        tables: Sequence[SensorTable],
        buses: Mapping[str, I2cBus],
        emit: Callable[..., object],
        poll_s: float = POLL_S,
    ) -> None:
        self.tables = tuple(tables)
        self._buses = buses
        self._emit = emit
        self._poll_s = poll_s
        self._readings = {table.name: TemperatureReading(None, 0, "not read yet") for table in tables}
        self._failed_polls = dict.fromkeys(self._readings, 0)
        self._task: asyncio.Task[None] | None = None

    def reading(self, name: str) -> TemperatureReading:
        return self._readings[name]

    def start(self) -> None:
        if self.tables:
            self._task = asyncio.create_task(self._run(), name="temperatures")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self.poll()
            await asyncio.sleep(self._poll_s)

    async def poll(self) -> None:
        """One round over all sensors."""
        await asyncio.gather(*map(self._poll_one, self.tables))

    async def _poll_one(self, table: SensorTable) -> None:
        def read(port: SmbusPort) -> float:
            return read_temperature(port, table.address)

        try:
            celsius = await self._buses[table.bus].call(read)
        except OSError as error:
            why = "the bus is stuck" if isinstance(error, TimeoutError) else error.strerror or str(error)
            self._readings[table.name] = TemperatureReading(None, time.monotonic_ns(), why)
            self._failed_polls[table.name] += 1
            if self._failed_polls[table.name] == LOST_AFTER_POLLS:
                self._emit(EventKind.SENSOR_LOST, f"sensor/{table.name}", table.name, why)
            return
        if self._failed_polls[table.name] >= LOST_AFTER_POLLS:
            self._emit(EventKind.SENSOR_RECOVERED, f"sensor/{table.name}", table.name)
        self._failed_polls[table.name] = 0
        self._readings[table.name] = TemperatureReading(celsius, time.monotonic_ns())
