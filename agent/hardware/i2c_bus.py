# SPDX-License-Identifier: Apache-2.0
"""One thread per I2C bus: everything that touches the bus runs there, in turn, with a deadline for who waits."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.smbus import SmbusPort

T = TypeVar("T")

DEADLINE_S = 5.0
"""A transaction that takes longer is a stuck bus; who waits gets a TimeoutError, the thread goes on by itself."""


class I2cBus:
    """A named bus with its own thread. `call` is for the loop's thread."""

    def __init__(self, name: str, port: SmbusPort) -> None:
        self.name = name
        self._port = port
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"pgood-i2c-{name}")

    async def call(self, work: Callable[[SmbusPort], T], deadline_s: float = DEADLINE_S) -> T:
        """Run `work` on the bus's thread. Raises OSError of the bus, TimeoutError after the deadline."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, work, self._port)
        return await asyncio.wait_for(future, deadline_s)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._port.close()
