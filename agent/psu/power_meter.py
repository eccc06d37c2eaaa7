# SPDX-License-Identifier: Apache-2.0
"""Input power of all supplies over time: the numbers behind DCMI power readings."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from agent.psu.slot import Presence
from ipmi.board import PowerReading

if TYPE_CHECKING:
    from agent.psu.monitor import SupplyMonitor

SAMPLE_S = 1.0
KEPT_S = 3600


class PowerMeter:
    """Implements ipmi.board.PowerMeter over what the supplies measure. Used on the loop's thread."""

    def __init__(self, supplies: SupplyMonitor) -> None:
        self._supplies = supplies
        self._samples: deque[tuple[int, float]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._count = 0
        self._sum_w = 0.0
        self._minimum_w = self._maximum_w = 0.0
        self._began_ns = 0

    def start(self) -> None:
        if self._supplies.slots:
            self._task = asyncio.create_task(self._run(), name="power-meter")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def present_w(self) -> float | None:
        """Input power now; None unless every supply that is there tells its own."""
        total_w, there = 0.0, 0
        for slot in self._supplies.slots:
            if slot.presence is Presence.ABSENT:
                continue
            if slot.readings is None or slot.readings.pin_w is None:
                return None
            total_w, there = total_w + slot.readings.pin_w, there + 1
        return total_w if there else None

    def sample(self, now_ns: int) -> None:
        """Take one sample; none while the supplies do not tell."""
        watts = self.present_w()
        if watts is None:
            return
        if self._count == 0:
            self._began_ns, self._minimum_w, self._maximum_w = now_ns, watts, watts
        self._count += 1
        self._sum_w += watts
        self._minimum_w, self._maximum_w = min(self._minimum_w, watts), max(self._maximum_w, watts)
        self._samples.append((now_ns, watts))
        while self._samples[0][0] < now_ns - KEPT_S * 1_000_000_000:
            self._samples.popleft()

    def reading(self, period_s: int | None) -> PowerReading | None:
        return self.reading_at(period_s, time.monotonic_ns())

    def reading_at(self, period_s: int | None, now_ns: int) -> PowerReading | None:
        """As `reading`, at a given time of the monotonic clock."""
        now_w = self.present_w()
        if now_w is None or not self._samples:
            return None
        if period_s is None:
            elapsed_ms = (now_ns - self._began_ns) // 1_000_000
            return PowerReading(now_w, self._minimum_w, self._maximum_w, self._sum_w / self._count, elapsed_ms)
        since_ns = now_ns - period_s * 1_000_000_000
        recent = [watts for at_ns, watts in self._samples if at_ns >= since_ns] or [now_w]
        return PowerReading(now_w, min(recent), max(recent), sum(recent) / len(recent), period_s * 1000)

    async def _run(self) -> None:
        while True:
            self.sample(time.monotonic_ns())
            await asyncio.sleep(SAMPLE_S)
