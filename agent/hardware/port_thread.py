# SPDX-License-Identifier: Apache-2.0
"""One thread for a device that may block: what touches it runs there, in turn, with a deadline for who waits."""

from __future__ import annotations

import asyncio
import errno
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

P = TypeVar("P")
T = TypeVar("T")

DEADLINE_S = 2.0
"""Work that takes longer is held up by a stuck device: a whole reading of a supply takes 40 ms."""


class PortThread(Generic[P]):
    """A port with its own thread. `call` is for the loop's thread.

    Work that overran its deadline stays on the thread until the kernel gives it back; until then every call fails at
    once, so that nothing piles up behind it, and the port is in use again by itself afterwards.
    """

    def __init__(self, name: str, port: P, stuck: str) -> None:
        """`name` is the thread's; `stuck` is what a call says that found the port held up."""
        self._port = port
        self._stuck = stuck
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._overrun: Future[Any] | None = None

    @property
    def stuck(self) -> bool:
        return self._overrun is not None and not self._overrun.done()

    async def call(self, work: Callable[[P], T], deadline_s: float = DEADLINE_S) -> T:
        """Run `work` on the thread. Raises OSError of the port, TimeoutError after the deadline or while stuck."""
        if self.stuck:
            raise TimeoutError(errno.ETIMEDOUT, self._stuck)
        future = self._thread.submit(work, self._port)
        wrapped = asyncio.wrap_future(future)
        try:
            async with asyncio.timeout(deadline_s) as deadline:  # wait_for may swallow a cancellation
                return await asyncio.shield(wrapped)
        except TimeoutError as error:
            if not deadline.expired():
                raise  # the work itself said so
            if not future.cancel() and not future.done():
                self._overrun = future
            wrapped.add_done_callback(_ignore)
            raise TimeoutError(errno.ETIMEDOUT, self._stuck) from error
        except asyncio.CancelledError:
            future.cancel()
            wrapped.add_done_callback(_ignore)
            raise

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def _ignore(future: asyncio.Future[T]) -> None:
    """Nobody waits for it any more; an error in it is not unheard of, it is the port's trouble that was told."""
    if not future.cancelled():
        future.exception()
