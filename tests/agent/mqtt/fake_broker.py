# SPDX-License-Identifier: Apache-2.0
"""A broker that misbehaves on purpose: just enough of the protocol, and the faults that real ones have shown."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, DISCONNECT = 1, 2, 3, 4, 8, 9, 14


class Fault(enum.Enum):
    NONE = enum.auto()
    SILENT = enum.auto()
    """Accepts TCP and says nothing."""
    HANGS_UP = enum.auto()
    """Closes as soon as it is connected."""
    REFUSES_5 = enum.auto()
    """Answers 5.0 as brokers of 3.1.1 do, and knows 3.1.1."""
    HANGS_UP_ON_5 = enum.auto()
    SILENT_ON_5 = enum.auto()
    REFUSES_ALL = enum.auto()
    """Not authorised."""
    GARBAGE = enum.auto()
    """Answers CONNECT with bytes of its choice."""
    LATE_GARBAGE = enum.auto()
    """The same after CONNACK."""
    HUGE = enum.auto()
    """Announces a message of 256 MB after CONNACK."""
    TAKES_OVER = enum.auto()
    """DISCONNECT with session taken over, right after CONNACK (5.0)."""
    NO_PUBACK = enum.auto()


class FakeBroker:
    """Threads of its own, so that the loop under test is measured alone. `connects` holds protocol levels as seen."""

    def __init__(self, fault: Fault = Fault.NONE, garbage: bytes = b"") -> None:
        self.fault = fault
        self.connects: list[int] = []
        self.published: list[tuple[str, bytes]] = []
        self._garbage = garbage
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def __enter__(self) -> FakeBroker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(peer)
            if self.fault is Fault.HANGS_UP:
                peer.close()
            elif self.fault is not Fault.SILENT:
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            try:
                self._talk(peer)
            finally:
                peer.close()

    def _talk(self, peer: socket.socket) -> None:
        kind, _, body = read_packet(peer)
        assert kind == CONNECT
        level = body[6]
        self.connects.append(level)
        five = level == 5
        if self.fault is Fault.GARBAGE:
            peer.sendall(self._garbage)
            read_until_closed(peer)
            return
        if five and self.fault is Fault.REFUSES_5:
            peer.sendall(bytes((CONNACK << 4, 2, 0, 1)))
            return
        if five and self.fault is Fault.HANGS_UP_ON_5:
            return
        if five and self.fault is Fault.SILENT_ON_5:
            read_until_closed(peer)
            return
        if self.fault is Fault.REFUSES_ALL:
            peer.sendall(bytes((CONNACK << 4, 3, 0, 0x87, 0)) if five else bytes((CONNACK << 4, 2, 0, 5)))
            return
        peer.sendall(bytes((CONNACK << 4, 3, 0, 0, 0)) if five else bytes((CONNACK << 4, 2, 0, 0)))
        if self.fault is Fault.TAKES_OVER:
            # With a reason string: paho 2.1 overlooks the code of a DISCONNECT that has none.
            peer.sendall(bytes((DISCONNECT << 4, 10, 0x8E, 8, 0x1F, 0, 5)) + b"taken")
            return
        if self.fault is Fault.LATE_GARBAGE:
            peer.sendall(self._garbage)
        if self.fault is Fault.HUGE:
            peer.sendall(bytes((PUBLISH << 4, 0xFF, 0xFF, 0xFF, 0x7F)) + b"\0\1x" + b"\0" * 4096)
        while True:
            kind, flags, body = read_packet(peer)
            if kind == PUBLISH:
                self._published(peer, flags, body, five)
            elif kind == SUBSCRIBE:
                filters = count_filters(body, five)
                answer = body[:2] + (b"\0" if five else b"") + b"\1" * filters
                peer.sendall(bytes((SUBACK << 4, len(answer))) + answer)
            elif kind == DISCONNECT:
                return

    def _published(self, peer: socket.socket, flags: int, body: bytes, five: bool) -> None:
        length = struct.unpack_from("!H", body)[0]
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        if flags & 6:
            if self.fault is not Fault.NO_PUBACK:
                peer.sendall(bytes((PUBACK << 4, 2)) + rest[:2])
            rest = rest[2:]
        self.published.append((topic, rest[1:] if five else rest))


def read_packet(peer: socket.socket) -> tuple[int, int, bytes]:
    first = _exactly(peer, 1)[0]
    length = shift = 0
    while True:
        byte = _exactly(peer, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first >> 4, first & 0xF, _exactly(peer, length)


def read_until_closed(peer: socket.socket) -> None:
    while peer.recv(4096):
        pass


def count_filters(body: bytes, five: bool) -> int:
    at = 2 + (1 + body[2] if five else 0)
    count = 0
    while at < len(body):
        at += 2 + struct.unpack_from("!H", body, at)[0] + 1
        count += 1
    return count


def _exactly(peer: socket.socket, count: int) -> bytes:
    read: Callable[[int], bytes] = peer.recv
    data = b""
    while len(data) < count:
        chunk = read(count - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data
