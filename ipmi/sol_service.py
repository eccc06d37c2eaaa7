# SPDX-License-Identifier: Apache-2.0
"""Who has the serial console: the SOL payload, given to one session at a time, with its timers."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from ipmi.board import ConsoleBusy
from ipmi.sol import LARGEST_PAYLOAD, SolLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.board import Console
    from ipmi.session import Session


class Activation(enum.Enum):
    DONE = enum.auto()
    TAKEN = enum.auto()
    DISABLED = enum.auto()


class SolService:
    """The SOL payload of one endpoint, instance 1. Implements ipmi.board.ConsoleReader. Belongs to one loop."""

    largest_payload = LARGEST_PAYLOAD

    def __init__(self, console: Console | None, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._send: Callable[[Session, bytes], None] = lambda session, payload: None
        self._session: Session | None = None
        self._link: SolLink | None = None
        self._detach: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def exists(self) -> bool:
        return self._console is not None

    @property
    def session(self) -> Session | None:
        """The session that has the console."""
        return self._session

    def send_with(self, send: Callable[[Session, bytes], None]) -> None:
        """`send(session, payload)` puts a SOL payload on the wire."""
        self._send = send

    def activate(self, session: Session, retries: int, retry_s: float) -> Activation:
        """Give the console to a session. One that has it already keeps it and begins anew."""
        if self._console is None:
            return Activation.DISABLED
        if self._session is session:
            self._drop()
        if self._session is not None:
            return Activation.TAKEN
        link = SolLink(self._console, retries, retry_s)
        self._session, self._link = session, link
        try:
            self._detach = self._console.attach(self)
        except ConsoleBusy:
            self._session = self._link = None
            return Activation.TAKEN
        return Activation.DONE

    def deactivate(self) -> bool:
        """Take the console away, and tell the session; False when nobody has it."""
        session, link = self._session, self._link
        if session is None or link is None:
            return False
        if session.open:
            self._send(session, link.goodbye())
        self._drop()
        return True

    def closed(self, session: Session) -> None:
        """A session has ended."""
        if session is self._session:
            self._drop()

    def packet(self, session: Session, payload: bytes) -> None:
        """A SOL packet of a session; only the one that has the console is heard."""
        if session is self._session and self._link is not None:
            self._answer(self._link.packet(payload, self._clock()))

    # ------------------------------------------------------------------ ConsoleReader

    def received(self, data: bytes) -> None:
        if self._link is not None:
            self._answer(self._link.received(data, self._clock()))

    def lost(self) -> None:
        if self._link is not None:
            self._link.available(False)

    def regained(self) -> None:
        if self._link is not None:
            self._link.available(True)

    # ------------------------------------------------------------------ timers

    def _answer(self, payload: bytes | None) -> None:
        if payload is not None and self._session is not None:
            self._send(self._session, payload)
        self._arm()

    def _arm(self) -> None:
        next_at = self._link.next_at() if self._link is not None else None
        if next_at is None:
            self._disarm()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, next_at - self._clock()), self._look)

    def _look(self) -> None:
        self._timer = None
        if self._link is not None:
            self._answer(self._link.due(self._clock()))

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self) -> None:
        self._disarm()
        detach, self._detach = self._detach, None
        self._session = self._link = None
        if detach is not None:
            detach()
