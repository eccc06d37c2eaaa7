# SPDX-License-Identifier: Apache-2.0
"""One bound UDP socket on an asyncio loop.

Leaner than a datagram transport: small reads, several datagrams per wake-up, and an answer that the network does not
take is dropped, as UDP may.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Protocol, cast

from ipmi.wire import MAXIMUM_DATAGRAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.session import Source

_DATAGRAMS_PER_WAKE_UP = 32
"""Then other work of the loop gets its turn."""
_ANCILLARY_LENGTH = 128
_IP_PKTINFO = 8
"""From linux/in.h; the socket module of Python 3.11 does not name it."""
_WILDCARDS = ("0.0.0.0", "::")


class ReplyPath(Protocol):
    """The way back to a client: same socket, same local address."""

    @property
    def port(self) -> int:
        """The local port."""
        ...

    def send(self, datagram: bytes, target: Source) -> bool:
        """Send at once; False when the network did not take it."""
        ...


class Endpoint:
    """Receives until closed. Belongs to the loop that it was opened on."""

    def __init__(self, sock: socket.socket, received: Callable[[ReplyPath, bytes, Source], None]) -> None:
        self._socket = sock
        self._received = received
        self._loop = asyncio.get_running_loop()
        self.port = sock.getsockname()[1]
        wildcard = sock.getsockname()[0] in _WILDCARDS
        if wildcard:
            _ask_for_local_addresses(sock)
        self._loop.add_reader(sock.fileno(), self._read, self._receive_any if wildcard else self._receive_one)

    @classmethod
    async def open(cls, host: str, port: int, received: Callable[[ReplyPath, bytes, Source], None]) -> Endpoint:
        """Bind a socket; OSError (address in use, not there, not allowed) passes through."""
        infos = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
        family, kind, protocol, _, address = infos[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.bind(address)
            return cls(sock, received)
        except OSError:
            sock.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it is bound to."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def send(self, datagram: bytes, target: Source) -> bool:
        """Send from the address that the socket is bound to."""
        try:
            self._socket.sendto(datagram, target)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Stop receiving and free the port. May be called twice."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self, receive: Callable[[], None]) -> None:
        for _ in range(_DATAGRAMS_PER_WAKE_UP):
            try:
                receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error of an earlier answer is reported here; it says nothing about this socket.
                continue
            if self._socket.fileno() < 0:
                return

    def _receive_one(self) -> None:
        datagram, source = self._socket.recvfrom(MAXIMUM_DATAGRAM + 1)
        self._received(self, datagram, cast("Source", source))

    def _receive_any(self) -> None:
        """On a wildcard socket the answer must leave from the address that was asked, whatever the routes prefer."""
        datagram, ancillary, _, source = self._socket.recvmsg(MAXIMUM_DATAGRAM + 1, _ANCILLARY_LENGTH)
        self._received(_LocalPath(self._socket, self.port, ancillary), datagram, cast("Source", source))


class _LocalPath:
    """Sends from the local address at which a request had arrived."""

    __slots__ = ("_ancillary", "_socket", "port")

    def __init__(self, sock: socket.socket, port: int, received: list[tuple[int, int, bytes]]) -> None:
        self._socket = sock
        self.port = port
        self._ancillary = [(level, kind, _as_sender(level, kind, data)) for level, kind, data in received]

    def send(self, datagram: bytes, target: Source) -> bool:
        try:
            self._socket.sendmsg([datagram], self._ancillary, 0, target)
        except OSError:
            return False
        return True


def _ask_for_local_addresses(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


def _as_sender(level: int, kind: int, data: bytes) -> bytes:
    """Packet information for sending: the local address as it came; for IPv4 the route may choose the interface."""
    if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
        _, local, _ = struct.unpack("=I4s4s", data)
        return struct.pack("=I4s4s", 0, local, bytes(4))
    return data
