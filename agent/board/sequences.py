# SPDX-License-Identifier: Apache-2.0
"""Runs rail sequences for somebody who waits for their end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.profile.rules import SequenceTable
    from native import LineEngine, SequenceDone


class SequenceRunner:
    """Used on the loop's thread. The engine runs the steps; this only matches ends with those who wait."""

    def __init__(self, engine: LineEngine, tables: Sequence[SequenceTable], outputs_armed: bool) -> None:
        self._engine = engine
        self._waiting: dict[int, asyncio.Future[SequenceDone]] = {}
        self.names = tuple(table.name for table in tables) if outputs_armed else ()

    async def run(self, name: str) -> SequenceDone:
        """Run it to its end, whether good or bad; the event carries the times of each step. Raises LineError."""
        future: asyncio.Future[SequenceDone] = asyncio.get_running_loop().create_future()
        token = self._engine.run(name)
        self._waiting[token] = future
        try:
            return await future
        finally:
            self._waiting.pop(token, None)

    def ended(self, event: SequenceDone) -> None:
        future = self._waiting.get(event.token)
        if future is not None and not future.done():
            future.set_result(event)
