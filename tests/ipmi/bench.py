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
from ipmi.sessions import Arrival, SessionLayer, SolArrival
from ipmi.sol_service import SolService

from .console import Console
from .memory_board import MemoryBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.session import Source

HOME: Source = ("192.0.2.1", 50000)


class Bench:
    """Session layer, dispatcher and slow commands over a memory board, on a private event loop."""

    def __init__(self, config: ServerConfig | None = None, parts: MemoryBoard | None = None) -> None:
        self.parts = parts or MemoryBoard()
        self.now = 1000.0
        self.tally = Tally()
        config = config or ServerConfig()
        self.sessions = SessionLayer(self.parts.users, self.parts.identity.guid, config, self.tally)
        board = self.parts.board()
        self.sol = SolService(self.parts.console, lambda: self.now)
        self.sol_sent: list[bytes] = []
        self.sol.send_with(lambda session, payload: self.sol_sent.append(session.seal(payload, 1)))
        self.sessions.on_close = self.sol.closed
        standard = standard_commands(board, config, self.sessions, self.sol, lambda: self.now)
        self._stop_timers = standard.close
        self.table = CommandTable(standard.commands)
        self.dispatcher = Dispatcher(self.table, self.tally)
        self.slow = SlowCommands(config, self.tally, lambda: self.now)
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._stop_timers()
        self._loop.run_until_complete(self.slow.close())
        self._loop.close()

    def give(self, datagram: bytes, source: Source = HOME) -> bytes | None:
        """Hand over one datagram; slow commands run to their end before this returns."""
        outcome = self.sessions.feed(datagram, source, self.now)
        if outcome is None or isinstance(outcome, bytes):
            return outcome
        if isinstance(outcome, SolArrival):
            return self._loop.run_until_complete(self._console_data(outcome))
        return self._loop.run_until_complete(self._run(outcome))

    async def _console_data(self, arrival: SolArrival) -> bytes | None:
        """The first packet that the console sends for it; the others are in `sol_sent`."""
        before = len(self.sol_sent)
        self.sol.packet(arrival.session, arrival.payload)
        return self.sol_sent[before] if len(self.sol_sent) > before else None

    def console_says(self, data: bytes) -> None:
        """The host writes to its serial console."""

        async def say() -> None:
            self.sol.received(data)

        self._loop.run_until_complete(say())

    def wait(self, seconds: float) -> None:
        """Let timers of the loop run in real time."""
        self._loop.run_until_complete(asyncio.sleep(seconds))

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
            self.slow.start(answer, arrival.request, done.set_result, arrival.sequence)
            answer = await done
        return self.sessions.reply(arrival, answer, self.now)
