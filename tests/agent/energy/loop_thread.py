# SPDX-License-Identifier: Apache-2.0
"""A loop on a thread, so that a test can be the actuator's thread."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.energy.loop_call import LoopCall

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def loop_thread() -> Iterator[LoopCall]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield LoopCall(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
