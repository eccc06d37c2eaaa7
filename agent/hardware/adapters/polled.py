# SPDX-License-Identifier: Apache-2.0
"""A sense that is asked for: looks again and again, and tells what changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import AdapterError, Level, Sense

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


class PolledSense:
    """Used on the loop's thread. `look` returns a level, or raises AdapterError: then the level is unknown."""

    def __init__(self, place: str, look: Callable[[], Awaitable[Sense]], period_s: float) -> None:
        self._place = place
        self._look = look
        self._period_s = period_s
        self._tell: Callable[[Sense], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._told: Sense | None = None

    def start(self, tell: Callable[[Sense], None]) -> None:
        self._tell = tell
        self._task = asyncio.create_task(self._run(), name=f"{self._place}-sense")

    def hurry(self) -> None:
        """Look again at once: something was just done."""
        self._hurry.set()

    async def now(self) -> Level:
        """Look now. Raises AdapterError when it cannot be told."""
        sense = await self._look()
        self._became(sense)
        if sense.level is Level.UNKNOWN:
            raise AdapterError(sense.reason)
        return sense.level

    async def close(self) -> None:
        self._tell = None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            self._hurry.clear()
            try:
                sense = await self._look()
            except AdapterError as error:
                sense = Sense(Level.UNKNOWN, str(error))
            except Exception as error:
                log.exception("%s", self._place)
                sense = Sense(Level.UNKNOWN, f"{self._place}: {type(error).__name__}: {error}")
            self._became(sense)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._period_s):
                    await self._hurry.wait()

    def _became(self, sense: Sense) -> None:
        if self._tell is not None and sense != self._told:
            self._told = sense
            self._tell(sense)
