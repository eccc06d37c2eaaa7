# SPDX-License-Identifier: Apache-2.0
"""Serves one page over HTTP/1.1 to whoever scrapes it. Reads the request line and the end of the headers only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from agent.prometheus.exposition import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

PATH = "/metrics"
MAX_REQUEST_BYTES = 8192
WITHIN_S = 5.0
MAX_CONNECTIONS = 16

REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class MetricsListenError(OSError):
    """The listener cannot have its address; the text says where to change it."""


class MetricsListener:
    """Used on the loop's thread."""

    def __init__(self, page: Callable[[], str]) -> None:
        """`page` makes the text anew for each scrape."""
        self._page = page
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.bound: tuple[str, int] | None = None

    async def listen(self, host: str, port: int) -> None:
        """Raises MetricsListenError."""
        try:
            self._server = await asyncio.start_server(self._connected, host, port, limit=MAX_REQUEST_BYTES)
        except OSError as error:
            text = f"metrics cannot listen on {host}:{port}: {error.strerror or error}; change metrics.listen"
            raise MetricsListenError(text) from error
        name = self._server.sockets[0].getsockname()
        self.bound = (name[0], name[1])

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._answer(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            with contextlib.suppress(ConnectionError):
                writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) > MAX_CONNECTIONS:
            await _send(writer, 503, "too many at a time\n")
            return
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _send(writer, 400, "no HTTP request, or too long a one\n")
            return
        words = request.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            await _send(writer, 400, "no HTTP/1.1 request\n")
        elif words[0] not in (b"GET", b"HEAD"):
            await _send(writer, 405, "only GET\n")
        elif words[1].split(b"?")[0] != PATH.encode():
            await _send(writer, 404, f"only {PATH} is here\n")
        else:
            await _send(writer, 200, self._page(), head=words[0] == b"HEAD")


async def _send(writer: asyncio.StreamWriter, status: int, text: str, *, head: bool = False) -> None:
    body = text.encode()
    writer.write(
        f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {CONTENT_TYPE if status == 200 else 'text/plain'}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + (b"" if head else body)
    )
    await writer.drain()
