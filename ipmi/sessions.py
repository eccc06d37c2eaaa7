# SPDX-License-Identifier: Apache-2.0
"""The session layer, without sockets or clocks: datagrams and times go in, datagrams and requests come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ipmi import message as messages
from ipmi import wire
from ipmi.backoff import LoginBackoff
from ipmi.completion import Completion
from ipmi.handshake import Handshake
from ipmi.message import NetFn
from ipmi.protection import Forged
from ipmi.rakp import MalformedHandshake, is_repeat, with_tag
from ipmi.request import NO_PRIVILEGE, Caller, Request
from ipmi.session import REPLY_KEPT_S, Session, client_address
from ipmi.wire import PayloadType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipmi.board import Users
    from ipmi.config import ServerConfig
    from ipmi.counters import Tally
    from ipmi.message import Message
    from ipmi.session import Source

CLOSE_SESSION: Final = 0x3C
_IPMI: Final = int(PayloadType.IPMI)
_SOL: Final = int(PayloadType.SOL)
_CLOSED_KEPT_S = 20.0
"""How long a client goes on asking for the answer to its last command."""


class Arrival(NamedTuple):
    """A request to run, and what is needed to answer it."""

    request: Request
    message: Message
    raw: bytes
    session: Session | None
    """None = sent outside any session."""
    classic: bool
    """True when it came in IPMI 1.5 framing."""
    source: Source
    sequence: int = 0
    """Session sequence number of its packet."""


class SolArrival(NamedTuple):
    """A serial-over-LAN packet of an established session."""

    session: Session
    payload: bytes


class SessionLayer:
    """All sessions of one endpoint. Routes by session id, never by source address.

    Not thread-safe. `now` is any clock that only goes forward, in seconds.
    """

    def __init__(self, users: Users, guid: bytes, config: ServerConfig, tally: Tally) -> None:
        self._config = config
        self._tally = tally
        self._established: dict[int, Session] = {}
        self._handles: dict[int, Session] = {}
        self._closed: dict[int, Session] = {}
        self.on_close: Callable[[Session], None] = lambda session: None
        """Called with each session that has just ended."""
        self._handshake = Handshake(users, guid, config, LoginBackoff(), tally, self._is_taken)

    @property
    def half_open_count(self) -> int:
        return len(self._handshake.half_open)

    @property
    def slots(self) -> int:
        return self._config.max_sessions

    def sessions(self) -> Sequence[Session]:
        """The established sessions, in order of their handles."""
        return [self._handles[handle] for handle in sorted(self._handles)]

    def feed(self, datagram: bytes, source: Source, now: float) -> bytes | Arrival | SolArrival | None:
        """Take one datagram: a datagram to send back, a request to run, console data, or nothing. Raises nothing."""
        self._tally.datagrams += 1
        try:
            session_id = wire.session_of(datagram)
            if session_id:
                return self._in_session(session_id, datagram, source, now)
            packet = wire.decode(datagram)
            if isinstance(packet, wire.PlusPacket):
                return self._outside(packet, source, now)
            if isinstance(packet, wire.ClassicPacket):
                return self._classic(packet, source)
            return wire.encode_pong(packet.tag)
        except (wire.MalformedPacket, messages.MalformedMessage, MalformedHandshake):
            self._tally.malformed += 1
        except Forged:
            self._tally.unauthentic += 1
        return None

    def reply(self, arrival: Arrival, body: bytes, now: float) -> bytes:
        """The datagram that answers `arrival` with `body` (completion code and data)."""
        response = messages.encode_response(arrival.message, body)
        session = arrival.session
        if session is None:
            if arrival.classic:
                return wire.encode_classic(response)
            return wire.encode_plus(PayloadType.IPMI, 0, 0, response)
        if session.request is arrival.raw:
            session.answer = response
            session.answered_at = now
        return session.seal(response)

    def find(self, session_id: int) -> Session | None:
        return self._established.get(session_id)

    def close(self, session_id: int) -> bool:
        """End a session; False when there is none of that id."""
        session = self._established.pop(session_id, None)
        if session is None:
            return False
        session.open = False
        del self._handles[session.handle]
        while len(self._closed) >= self._config.max_sessions:
            del self._closed[next(iter(self._closed))]
        self._closed[session_id] = session
        self.on_close(session)
        return True

    def close_all(self) -> None:
        """End every session, as a restart of the controller would."""
        for session_id in list(self._established):
            self.close(session_id)

    def close_user(self, name: bytes, spare: int = 0) -> int:
        """End all sessions of a user whose account has changed, but for the one with id `spare`; returns how many."""
        ids = [session.id for session in self._established.values() if session.caller.name == name]
        ids = [session_id for session_id in ids if session_id != spare]
        return sum(self.close(session_id) for session_id in ids)

    def tick(self, now: float) -> bool:
        """Expire unfinished logins and idle sessions; True while there are any left to watch."""
        self._handshake.half_open.expire(now)
        limit = now - self._config.idle_timeout_s
        for session_id in [session.id for session in self._established.values() if session.seen_at < limit]:
            self.close(session_id)
        for session_id in [session.id for session in self._closed.values() if session.seen_at < now - _CLOSED_KEPT_S]:
            del self._closed[session_id]
        return bool(self._established or self._closed or self._handshake.half_open)

    def _is_taken(self, session_id: int) -> bool:
        return session_id in self._established or session_id in self._closed

    def _in_session(
        self, session_id: int, datagram: bytes, source: Source, now: float
    ) -> bytes | Arrival | SolArrival | None:
        session = self._established.get(session_id) or self._closed.get(session_id)
        if session is None:
            self._tally.unauthentic += 1
            return None
        payload_type, sequence, raw = session.protection.open(datagram)
        if not session.window.accept(sequence):
            self._tally.replayed += 1
            return None
        session.heard(source, now)
        if raw is None:
            raise wire.MalformedPacket("sealed payload")
        if payload_type == _SOL and session.open:
            return SolArrival(session, raw)
        if payload_type != _IPMI:
            raise wire.MalformedPacket("payload type")
        if raw == session.request and now - session.answered_at <= REPLY_KEPT_S:
            self._tally.repeated += 1
            return None if session.answer is None else session.seal(session.answer)
        message = messages.decode_request(raw)
        if not session.open:
            return self._after_close(session, message)
        session.request = raw
        session.answer = None
        session.answered_at = now
        self._tally.commands += 1
        request = Request(message.netfn, message.command, message.data, session.caller)
        return Arrival(request, message, raw, session, False, source, sequence)

    def _after_close(self, session: Session, message: Message) -> bytes | None:
        """The answer to Close Session may be lost, and FreeIPMI would ask again for 20 s. Nothing else runs now."""
        if (message.netfn, message.command) != (NetFn.APP, CLOSE_SESSION):
            return None
        self._tally.repeated += 1
        return session.seal(messages.encode_response(message, bytes((Completion.OK,))))

    def _outside(self, packet: wire.PlusPacket, source: Source, now: float) -> bytes | Arrival | None:
        if packet.session_id or packet.authenticated or packet.encrypted:
            raise wire.MalformedPacket("unprotected packet for a session")
        if packet.payload_type == PayloadType.IPMI:
            return self._sessionless(packet.payload, False, source)
        if packet.payload_type == PayloadType.OPEN_SESSION_REQUEST:
            answer: bytes | None = self._handshake.open_session(packet.payload, source, now)
            kind = PayloadType.OPEN_SESSION_RESPONSE
        elif packet.payload_type == PayloadType.RAKP1:
            answer = self._handshake.rakp1(packet.payload, now)
            kind = PayloadType.RAKP2
        elif packet.payload_type == PayloadType.RAKP3:
            answer = self._rakp3(packet.payload, source, now)
            kind = PayloadType.RAKP4
        else:
            raise wire.MalformedPacket("payload type")
        return None if answer is None else wire.encode_plus(kind, 0, 0, answer)

    def _rakp3(self, payload: bytes, source: Source, now: float) -> bytes | None:
        session = self._established.get(int.from_bytes(payload[4:8], "little"))
        if session is not None:
            repeat = session.final_request and is_repeat(payload, session.final_request)
            return with_tag(session.final_answer, payload[0]) if repeat else None
        room = len(self._established) < self._config.max_sessions
        outcome = self._handshake.rakp3(payload, room, now)
        if outcome is None or isinstance(outcome, bytes):
            return outcome
        handle = next(number for number in range(1, self._config.max_sessions + 1) if number not in self._handles)
        session = Session(outcome, handle, source, now)
        self._established[session.id] = session
        self._handles[handle] = session
        return outcome.final_answer

    def _classic(self, packet: wire.ClassicPacket, source: Source) -> Arrival:
        if packet.authentication or packet.session_id:
            raise wire.MalformedPacket("IPMI 1.5 session")
        return self._sessionless(packet.payload, True, source)

    def _sessionless(self, payload: bytes, classic: bool, source: Source) -> Arrival:
        message = messages.decode_request(payload)
        self._tally.commands += 1
        caller = Caller(0, 0, b"", NO_PRIVILEGE, NO_PRIVILEGE, client_address(source))
        request = Request(message.netfn, message.command, message.data, caller)
        return Arrival(request, message, payload, None, classic, source)
