# SPDX-License-Identifier: Apache-2.0
"""Blocking work of one signal, off the loop: at most one thread, whatever a server or a file system does."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from agent.energy.signals.interface import SignalError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def nothing_to_cut() -> None:
    """For work that cannot be cut off from outside."""


class OneThread:
    """Used on the loop's thread. The thread is a daemon and lives as long as its work: the agent can end without it."""

    def __init__(self, name: str) -> None:
        """`name` is that of the signal."""
        self._name = name
        self._busy = threading.Lock()
        """Taken here, given back by the thread when its work is done."""

    async def run(self, work: Callable[[], T], within_s: float, cut: Callable[[], None] = nothing_to_cut) -> T:
        """What `work` returns or raises. Raises SignalError when it takes longer, or when earlier work still hangs.

        `cut` is called when nobody waits any more, and makes the work end; from the loop's thread.
        """
        if not self._busy.acquire(blocking=False):
            raise SignalError(f"{self._name}: the request before still hangs", retry=True)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001  (told to the one who waits)
                self._busy.release()
                tell(done.set_exception, _said(error))
            else:
                self._busy.release()
                tell(done.set_result, result)

        def tell(how: Callable[..., None], what: object) -> None:
            try:
                loop.call_soon_threadsafe(lambda: None if done.done() else how(what))
            except RuntimeError:
                return  # the loop is closed: nobody waits

        try:
            threading.Thread(target=call, name=f"signal-{self._name}", daemon=True).start()
        except RuntimeError as error:  # no memory for one
            self._busy.release()
            raise SignalError(f"{self._name}: {error}", retry=True) from error
        try:
            await asyncio.wait((done,), timeout=within_s)
        finally:
            cut()
            if not done.cancel() and not done.cancelled():
                done.exception()  # looked at, also when nobody waits any more
        if done.cancelled():
            raise SignalError(f"{self._name}: no whole answer within {within_s:g} s", retry=True)
        return done.result()


def _said(error: BaseException) -> Exception:
    """A future refuses StopIteration, and what ends a process must not."""
    good = isinstance(error, Exception) and not isinstance(error, StopIteration)
    return error if good else RuntimeError(f"{type(error).__name__}: {error}")  # type: ignore[return-value]
