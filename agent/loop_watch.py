# SPDX-License-Identifier: Apache-2.0
"""Who keeps an event loop from turning: a part of the conformance tests of plug-ins."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

LOOK_S = 0.01
GAP_S = 5 * LOOK_S
"""A thread with nothing to do that comes back later than this was held up by the machine, and so was the loop."""


class LoopWatch:
    """While it is entered, on the loop's thread.

    A loop that comes back late was kept by somebody who works or sleeps on its thread, or this machine had no time for
    the process at all. What a second thread was late by at the same time is the machine's.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        """The longest that somebody has kept the loop."""
        self._ran_s = 0.0
        """So long this process had its turn, as the second thread sees it."""
        self._over = threading.Event()
        self._witness = threading.Thread(target=self._count, name="loop-watch", daemon=True)
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> LoopWatch:
        self._witness.start()
        self._watch = asyncio.create_task(self._look(), name="loop-watch")
        await asyncio.sleep(2 * LOOK_S)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._watch is not None
        try:
            await asyncio.sleep(2 * LOOK_S)  # what kept the loop is noticed after it
        finally:
            self._over.set()
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._witness.join()

    def _count(self) -> None:
        before_s = time.monotonic()
        while not self._over.wait(LOOK_S):
            now_s = time.monotonic()
            self._ran_s += min(now_s - before_s, GAP_S)
            before_s = now_s

    async def _look(self) -> None:
        while True:
            before_s, ran_s, worked_s = time.monotonic(), self._ran_s, time.thread_time()
            await asyncio.sleep(LOOK_S)
            late_s = time.monotonic() - before_s - LOOK_S
            # Work that lets no other thread run shows in the time that the processor has spent on it.
            kept_s = max(self._ran_s - ran_s, time.thread_time() - worked_s)
            self.worst_s = max(self.worst_s, min(late_s, kept_s))
