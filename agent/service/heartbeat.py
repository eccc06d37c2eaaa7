# SPDX-License-Identifier: Apache-2.0
"""Tells the service manager's watchdog that the event loop and the line engine's thread both live."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.service.notifier import Notifier

BEATS_PER_TIMEOUT = 4
UNWATCHED_S = 5.0


def beat_s(environment: Mapping[str, str] = os.environ) -> float:
    """How often to beat (s): a part of the watchdog's time, if there is a watchdog and it means this process."""
    timeout_us, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(os.getpid()))
    if process != str(os.getpid()) or not (timeout_us.isascii() and timeout_us.isdigit()):
        return UNWATCHED_S
    return min(UNWATCHED_S, max(0.01, int(timeout_us) / 1e6 / BEATS_PER_TIMEOUT))


class EngineCheck:
    """Whether the engine's thread has turned since the last look. Pure."""

    def __init__(self) -> None:
        self._turns: int | None = None

    def lives(self, turns: int) -> bool:
        """`turns`: how often the thread has woken so far; it was woken once on purpose since the last look."""
        moved = turns != self._turns
        self._turns = turns
        return moved


class Heartbeat:
    """Beats on the loop: a loop that hangs does not beat, and neither does an engine that hangs."""

    def __init__(
        self, notifier: Notifier, every_s: float, nudge_engine: Callable[[], int], status: Callable[[], str]
    ) -> None:
        self._notifier = notifier
        self._every_s = every_s
        self._nudge_engine = nudge_engine
        self._status = status
        self._check = EngineCheck()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._notifier:
            self._task = asyncio.create_task(self._beat(), name="heartbeat")

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _beat(self) -> None:
        while True:
            if self._check.lives(self._nudge_engine()):
                self._notifier.alive()
            self._notifier.status(self._status())
            await asyncio.sleep(self._every_s)
