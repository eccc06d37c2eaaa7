# SPDX-License-Identifier: Apache-2.0
"""What a busy agent does to its own process: three threads that burn the interpreter, and 50 MB/s of allocations."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BURNERS = 3
BLOCK_BYTES = 1_000_000
BLOCKS_PER_S = 50
PAGE_BYTES = 4096


def _burn(ended: threading.Event) -> None:
    number = 1
    while not ended.is_set():
        for _ in range(1000):
            number = (number * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF


def _allocate(ended: threading.Event) -> None:
    """Each block is new memory from the kernel, touched page by page, and given back."""
    next_s = time.monotonic()
    while not ended.is_set():
        block = bytearray(BLOCK_BYTES)
        block[::PAGE_BYTES] = b"\1" * len(block[::PAGE_BYTES])
        del block
        next_s += 1 / BLOCKS_PER_S
        time.sleep(max(0.0, next_s - time.monotonic()))


@contextmanager
def loaded(active: bool) -> Iterator[None]:
    """Runs the load around something; or nothing, when not `active`."""
    ended = threading.Event()
    jobs = [*[_burn] * BURNERS, _allocate] if active else []
    threads = [threading.Thread(target=job, args=(ended,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
