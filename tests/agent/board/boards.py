# SPDX-License-Identifier: Apache-2.0
"""A whole simulated board in this process: its lines can be driven, its events read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.board.board import Board
from agent.board.options import Options, Override
from agent.profile.load import load_profile
from agent.profile.site import Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.events.bus import Subscription
    from agent.events.event import Event, EventKind
    from native import MemoryChip

PATIENCE_S = 30.0


class RunningBoard:
    """Used on the loop's thread."""

    def __init__(self, board: Board) -> None:
        self.board = board
        assert board.lines.chip is not None
        self.chip: MemoryChip = board.lines.chip
        self._heard: Subscription = board.bus.subscribe("test")

    async def hear(self, kind: EventKind) -> Event:
        """The next event of a kind; others before it are dropped."""
        async with asyncio.timeout(PATIENCE_S):
            while (event := await self._heard.get()).kind is not kind:
                pass
        return event

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)


def on_a_board(folder: Path, profile: str, story: Callable[[RunningBoard], Awaitable[None]]) -> None:
    """Plays a story on a board of this profile."""
    file = folder / "board.toml"
    file.write_text(profile)

    async def play() -> None:
        board = Board(Options(load_profile(file), file, Site(), None, folder, Override()))
        running = RunningBoard(board)
        await board.start()
        try:
            await story(running)
        finally:
            await board.close()

    asyncio.run(play())
