# SPDX-License-Identifier: Apache-2.0
"""One bound UDP socket on an asyncio loop.

Leaner than a datagram transport: small reads, several datagrams per wake-up, and an answer that the network does not
take is dropped, as UDP may.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from ipmi.wire import MAXIMUM_DATAGRAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.session import Source

_DATAGRAMS_PER_WAKE_UP = 32
"""Then other work of the loop gets its turn."""


class Endpoint:
    """Receives until closed. Belongs to the loop that it was opened on."""

    def __init__(self, sock: socket.socket, received: Callable[[Endpoint, bytes, Source], None]) -> None:
        self._socket = sock
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._read)

    @classmethod
    async def open(cls, host: str, port: int, received: Callable[[Endpoint, bytes, Source], None]) -> Endpoint:
        """Bind a socket; OSError (address in use, not there, not allowed) passes through."""
        infos = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
        family, kind, protocol, _, address = infos[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
        return cls(sock, received)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it is bound to."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def send(self, datagram: bytes, target: Source) -> bool:
        """Send at once; False when the network did not take it."""
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

    def _read(self) -> None:
        for _ in range(_DATAGRAMS_PER_WAKE_UP):
            try:
                datagram, source = self._socket.recvfrom(MAXIMUM_DATAGRAM + 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error of an earlier answer is reported here; it says nothing about this socket.
                continue
            self._received(self, datagram, cast("Source", source))
            if self._socket.fileno() < 0:
                return
