# SPDX-License-Identifier: Apache-2.0
"""IPMI over LAN on asyncio: sockets and time around the session layer and the command table."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from ipmi.commands import standard_commands
from ipmi.config import ServerConfig
from ipmi.counters import ServerCounters, Tally
from ipmi.dispatch import CommandTable, Dispatcher
from ipmi.endpoint import Endpoint
from ipmi.running import SlowCommands
from ipmi.session import client_address
from ipmi.sessions import Arrival, SessionLayer, SolArrival
from ipmi.sol_service import SolService
from ipmi.wire import PayloadType

if TYPE_CHECKING:
    from ipmi.board import Board
    from ipmi.endpoint import ReplyPath
    from ipmi.session import Session, Source

log = logging.getLogger(__name__)

_TICK_S = 1.0
_DEFAULTS = ServerConfig()


class IpmiServer:
    """The BMC that clients see: one board, any number of addresses.

    Everything happens on the loop that runs `listen`. No datagram, command or handler can end it.
    """

    def __init__(self, board: Board, config: ServerConfig = _DEFAULTS) -> None:
        self._config = config
        self._tally = Tally()
        self._sessions = SessionLayer(board.users, board.identity.guid, config, self._tally)
        self._sol = SolService(board.console, time.monotonic)
        self._sol.send_with(self._send_sol)
        self._sessions.on_close = self._sol.closed
        standard = standard_commands(board, config, self._sessions, self._sol, time.monotonic)
        self._stop_timers = standard.close
        self.commands = CommandTable(standard.commands)
        """The command table: OEM sets and group extensions may be added to it."""
        self._dispatcher = Dispatcher(self.commands, self._tally)
        self._slow = SlowCommands(config, self._tally, time.monotonic)
        self._endpoints: list[Endpoint] = []
        self._allowed: dict[str, bool] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Answer on one more address and return it as bound; OSError passes through."""
        endpoint = await Endpoint.open(host, port, self._received)
        self._endpoints.append(endpoint)
        return endpoint.address

    async def close(self) -> None:
        """Free all addresses, forget all sessions, cancel what still runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sol.deactivate()
        self._stop_timers()
        self._sessions.close_all()
        for endpoint in self._endpoints:
            endpoint.close()
        self._endpoints.clear()
        await self._slow.close()

    def counters(self) -> ServerCounters:
        """What happened so far, and how many sessions there are now."""
        return ServerCounters(
            **asdict(self._tally),
            sessions=len(self._sessions.sessions()),
            half_open=self._sessions.half_open_count,
        )

    def end_sessions_of(self, name: bytes) -> int:
        """Close every session of a user whose account was changed or removed; returns how many there were."""
        return self._sessions.close_user(name)

    def _received(self, path: ReplyPath, datagram: bytes, source: Source) -> None:
        if self._config.allow and not self._is_allowed(client_address(source)):
            self._tally.refused += 1
            return
        try:
            self._answer(path, datagram, source)
        except Exception:
            self._tally.failures += 1
            log.exception("datagram from %s: %s", source[0], datagram.hex())
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _answer(self, path: ReplyPath, datagram: bytes, source: Source) -> None:
        outcome = self._sessions.feed(datagram, source, time.monotonic())
        if outcome is None:
            return
        if isinstance(outcome, bytes):
            self._send(path, outcome, source)
            return
        if outcome.session is not None:
            outcome.session.path, outcome.session.port = path, path.port
        if isinstance(outcome, SolArrival):
            self._sol.packet(outcome.session, outcome.payload)
            return
        answer = self._dispatcher.answer(outcome.request, outcome.message.lun)
        if isinstance(answer, bytes):
            self._respond(path, outcome, answer)
        else:
            respond = functools.partial(self._respond, path, outcome)
            self._slow.start(answer, outcome.request, respond, outcome.sequence)

    def _respond(self, path: ReplyPath, arrival: Arrival, body: bytes) -> None:
        """Send an answer, unless its session has ended meanwhile by other means than this very request."""
        if arrival.session is None or arrival.session.open or arrival.session.request is arrival.raw:
            target = arrival.source if arrival.session is None else arrival.session.source
            self._send(path, self._sessions.reply(arrival, body, time.monotonic()), target)

    def _send_sol(self, session: Session, payload: bytes) -> None:
        if session.path is not None:
            self._send(session.path, session.seal(payload, PayloadType.SOL), session.source)

    def _send(self, path: ReplyPath, datagram: bytes, target: Source) -> None:
        if not path.send(datagram, target):
            self._tally.unsent += 1

    def _tick(self) -> None:
        self._timer = None
        if self._sessions.tick(time.monotonic()):
            self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _is_allowed(self, address: str) -> bool:
        """Whether the site lets this address speak; the answer is remembered for a bounded number of addresses."""
        known = self._allowed.get(address)
        if known is None:
            parsed = ipaddress.ip_address(address.partition("%")[0])
            known = any(parsed in network for network in self._config.allow)
            if len(self._allowed) >= 1024:
                self._allowed.clear()
            self._allowed[address] = known
        return known
