# SPDX-License-Identifier: Apache-2.0
"""Lets the actuator's thread ask something of the asyncio loop, and wait for it with a deadline."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class LoopCall:
    """Made on the loop's thread, called on another."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """The running loop, unless one is given."""
        self._loop = loop or asyncio.get_running_loop()

    def __call__(self, work: Callable[[], Coroutine[Any, Any, T]], within_s: float) -> T:
        """What the coroutine returns or raises. Raises TimeoutError, when the loop is closed as well."""
        if self._loop.is_closed():
            raise TimeoutError("the agent has ended")
        self._not_on_the_loop()
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result(within_s)
        except (FutureTimeoutError, CancelledError) as error:
            if future.done() and not future.cancelled():
                raise  # the work itself said so
            future.cancel()
            raise TimeoutError(f"no answer within {within_s:g} s") from error

    def _not_on_the_loop(self) -> None:
        """The loop would wait for itself."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return
        if running is self._loop:
            raise AssertionError("call this on the actuator's thread, not on the loop's")
