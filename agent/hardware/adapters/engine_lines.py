# SPDX-License-Identifier: Apache-2.0
"""The line engine for adapters: orders that can be awaited, inputs that can be watched."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from native import CommandDone, InputChanged, LineError, Resync

if TYPE_CHECKING:
    from collections.abc import Callable

    from native import Condition, LineEngine, LineEvent, Steady


class EngineLines:
    """Used on the loop's thread. Whoever reads the engine's events hands them to `feed`."""

    def __init__(self, engine: LineEngine) -> None:
        self._engine = engine
        self._waiting: dict[int, asyncio.Future[CommandDone]] = {}
        self._watchers: dict[str, list[Callable[[Steady], None]]] = {}

    async def pulse(self, line: str, width_ms: float, precondition: Condition | None) -> CommandDone:
        """Press a momentary line; returns how it ended. Raises LineError. Cancelled, the line is let go."""
        return await self._press(self._engine.pulse(line, width_ms, precondition=precondition))

    async def hold_until(
        self, line: str, until: Condition, at_most_ms: float, precondition: Condition | None
    ) -> CommandDone:
        """Press a momentary line until an input has settled. Raises LineError. Cancelled, the line is let go."""
        return await self._press(self._engine.hold_until(line, until, at_most_ms, precondition=precondition))

    async def set(self, line: str, active: bool, precondition: Condition | None) -> CommandDone:
        """Drive a maintained line, which then stays. Raises LineError."""
        return await self._ended(self._engine.set(line, active, precondition=precondition))

    def output(self, line: str) -> bool:
        """The level that the engine drives. Raises LineError."""
        return self._engine.output(line)

    def steady(self, line: str) -> Steady:
        """The settled state of an input. Raises LineError."""
        return self._engine.input(line).steady

    def watch(self, line: str, told: Callable[[Steady], None]) -> Callable[[], None]:
        """`told` is called with every settled state of an input, until the returned function is."""
        watchers = self._watchers.setdefault(line, [])
        watchers.append(told)

        def unwatch() -> None:
            with contextlib.suppress(ValueError):
                watchers.remove(told)

        return unwatch

    def feed(self, event: LineEvent) -> None:
        match event:
            case CommandDone(token=token):
                waiting = self._waiting.pop(token, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(event)
            case InputChanged(line=line, steady=steady):
                self._tell(line, steady)
            case Resync():
                for line in self._watchers:
                    self._tell(line, self.steady(line))
            case _:
                pass

    async def _press(self, token: int) -> CommandDone:
        try:
            return await self._ended(token)
        except asyncio.CancelledError:
            with contextlib.suppress(LineError):
                self._engine.cancel(token)
            raise

    async def _ended(self, token: int) -> CommandDone:
        waiting: asyncio.Future[CommandDone] = asyncio.get_running_loop().create_future()
        self._waiting[token] = waiting
        try:
            return await waiting
        finally:
            self._waiting.pop(token, None)

    def _tell(self, line: str, steady: Steady) -> None:
        for told in tuple(self._watchers.get(line, ())):
            told(steady)
