# SPDX-License-Identifier: Apache-2.0
"""Energy drawn from the mains, counted from measured input power over elapsed time; never runs backwards.

What is told is what is stored: a killed agent forgets at most the last minute, and no reader ever sees the counter
fall. Time without a reading is not counted, nor guessed: the count is what was measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.psu.slot import Slot
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

KEY = "energy.in_wh"
SET = "set"
"""All supplies together; the others are `psu/<name>`."""
SAMPLE_S = 1.0
MAX_STEP_S = 10.0
"""Between two readings further apart the power is not known."""
STORE_S = 60.0
WH_PER_WS = 1 / 3600


class EnergyMeter:
    """Used on the loop's thread."""

    def __init__(self, slots: Callable[[], Sequence[Slot]], set_w: Callable[[], float | None], store: Settings) -> None:
        """`set_w` gives the input power of all supplies, None unless every one that is there tells its own."""
        self._slots = slots
        self._set_w = set_w
        self._store = store
        stored = store.get(KEY, {})
        self._told: dict[str, float] = dict(stored) if isinstance(stored, dict) else {}
        self._counted = dict(self._told)
        self._last: dict[str, tuple[float, float]] = {}
        """Time and power of the last reading."""
        self._stored_at_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._slots():
            self._task = asyncio.create_task(self._run(), name="energy-meter")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            await self.keep()

    def set_kwh(self) -> float | None:
        """Of all supplies together; None while nothing was ever measured."""
        return self._kwh(SET)

    def slot_kwh(self, name: str) -> float | None:
        """Of whatever was in the slot."""
        return self._kwh(f"psu/{name}")

    def sample(self, now_s: float) -> None:
        """Count from the last reading to this one. `now_s` is monotonic."""
        readings: dict[str, float | None] = {SET: self._set_w()}
        for slot in self._slots():
            readings[f"psu/{slot.name}"] = slot.readings.pin_w if slot.readings is not None else None
        for meter, watts in readings.items():
            self._count(meter, watts, now_s)

    async def keep(self) -> None:
        """Store what was counted, and tell it from then on."""
        counted = {meter: round(wh, 3) for meter, wh in self._counted.items()}
        if counted == self._told:
            return
        try:
            await self._store.put({KEY: counted})
        except OSError as error:
            log.warning("energy is not stored, and stays as it was told: %s", error)
            return
        self._told = counted

    def _count(self, meter: str, watts: float | None, now_s: float) -> None:
        before = self._last.pop(meter, None)
        if watts is None:
            return
        watts = max(0.0, watts)
        self._last[meter] = (now_s, watts)
        counted = self._counted.setdefault(meter, 0.0)
        if before is not None and 0 < now_s - before[0] <= MAX_STEP_S:
            self._counted[meter] = counted + (watts + before[1]) / 2 * (now_s - before[0]) * WH_PER_WS

    def _kwh(self, meter: str) -> float | None:
        told = self._told.get(meter)
        return None if told is None else round(told / 1000, 4)

    def _due(self, now_s: float) -> bool:
        return now_s - self._stored_at_s >= STORE_S or self._counted.keys() != self._told.keys()

    async def _run(self) -> None:
        while True:
            now_s = time.monotonic()
            self.sample(now_s)
            if self._due(now_s):
                self._stored_at_s = now_s
                await self.keep()
            await asyncio.sleep(SAMPLE_S)
