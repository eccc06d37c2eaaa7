# SPDX-License-Identifier: Apache-2.0
"""A short-lived thread for one blocking call: name lookup, TCP and TLS have no other way in the client library."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class ShortThread:
    """One call at a time. Used on the loop's thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    async def run(self, work: Callable[[], T], discard: Callable[[T], None]) -> T:
        """The result of `work`, which runs on a thread. Raises what it raises.

        Cancellation leaves the thread behind: it ends by itself, and its result is discarded. The next call waits
        for it.
        """
        while self._thread is not None and self._thread.is_alive():
            await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def deliver(value: T | None, failure: Exception | None) -> None:
            if result.done():  # given up meanwhile
                if failure is None:
                    discard(value)  # type: ignore[arg-type]
            elif failure is not None:
                result.set_exception(failure)
            else:
                result.set_result(value)  # type: ignore[arg-type]

        def call() -> None:
            value: T | None = None
            failure: Exception | None = None
            try:
                value = work()
            except Exception as error:  # noqa: BLE001 (raised again for whoever waits)
                failure = error
            try:
                loop.call_soon_threadsafe(deliver, value, failure)
            except RuntimeError:  # the loop is closed: the agent ends
                if failure is None:
                    discard(value)  # type: ignore[arg-type]

        self._thread = threading.Thread(target=call, name=self._name, daemon=True)
        self._thread.start()
        return await result
