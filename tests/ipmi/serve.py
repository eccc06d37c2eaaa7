# SPDX-License-Identifier: Apache-2.0
"""Runs an IpmiServer over the memory board on a thread of its own, for clients that are other programs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from ipmi.config import ServerConfig
from ipmi.server import IpmiServer

if TYPE_CHECKING:
    from ipmi.counters import ServerCounters

    from .memory_board import MemoryBoard


class Served:
    """A server that runs while the `with` block does; `port` is its UDP port on 127.0.0.1."""

    def __init__(self, parts: MemoryBoard, config: ServerConfig | None = None) -> None:
        self._parts = parts
        self._config = config or ServerConfig()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="ipmi-server")
        self.port = 0

    def __enter__(self) -> Served:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def counters(self) -> ServerCounters:
        return self._server.counters()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._server = IpmiServer(self._parts.board(), self._config)
        _, self.port = await self._server.listen("127.0.0.1", 0)
        self._ready.set()
        await self._stop.wait()
        await self._server.close()
