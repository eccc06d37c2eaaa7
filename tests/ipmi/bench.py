# SPDX-License-Identifier: Apache-2.0
"""The server's parts without sockets: datagrams are handed over, time stands still unless a test moves it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ipmi.commands import standard_commands
from ipmi.config import ServerConfig
from ipmi.counters import Tally
from ipmi.dispatch import CommandTable, Dispatcher
from ipmi.running import SlowCommands
from ipmi.sessions import Arrival, SessionLayer

from .console import Console
from .memory_board import MemoryBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.session import Source

HOME: Source = ("192.0.2.1", 50000)


class Bench:
    """Session layer, dispatcher and slow commands over a memory board, on a private event loop."""

    def __init__(self, config: ServerConfig | None = None) -> None:
        self.parts = MemoryBoard()
        self.now = 1000.0
        self.tally = Tally()
        config = config or ServerConfig()
        self.sessions = SessionLayer(self.parts.users, self.parts.identity.guid, config, self.tally)
        board = self.parts.board()
        self.table = CommandTable(standard_commands(board, config, self.sessions, lambda: self.now))
        self.dispatcher = Dispatcher(self.table, self.tally)
        self.slow = SlowCommands(config, self.tally, lambda: self.now)
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.run_until_complete(self.slow.close())
        self._loop.close()

    def give(self, datagram: bytes, source: Source = HOME) -> bytes | None:
        """Hand over one datagram; slow commands run to their end before this returns."""
        outcome = self.sessions.feed(datagram, source, self.now)
        if outcome is None or isinstance(outcome, bytes):
            return outcome
        return self._loop.run_until_complete(self._run(outcome))

    def from_address(self, source: Source) -> Callable[[bytes], bytes | None]:
        return lambda datagram: self.give(datagram, source)

    def console(self, **settings: object) -> Console:
        return Console(self.give, **settings)  # type: ignore[arg-type]

    def login(self, **settings: object) -> Console:
        """A console with an established session at the level of its role."""
        console = self.console(**settings).login()
        assert console.run(0x06, 0x3B, bytes([console.role]))[0] == 0
        return console

    async def _run(self, arrival: Arrival) -> bytes:
        answer = self.dispatcher.answer(arrival.request, arrival.message.lun)
        if not isinstance(answer, bytes):
            done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self.slow.start(answer, arrival.request, done.set_result)
            answer = await done
        return self.sessions.reply(arrival, answer, self.now)
