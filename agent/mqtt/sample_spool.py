# SPDX-License-Identifier: Apache-2.0
"""Telemetry without gaps: written to the spool, then published with QoS 1 behind the events."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from agent.mqtt.event_key import PER_START, id_of
from agent.mqtt.event_queue import EventRecord
from agent.mqtt.spool_stream import DEFAULT_RATE_PER_S, SpoolStream
from agent.spool.record import RecordClass, SpoolRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from agent.spool.spool import Spool

MAX_WRITING = 16
"""Samples on their way to the disk; a disk that stalls longer costs the newest ones."""


class SampleSpool:
    """Used on the loop's thread."""

    def __init__(
        self,
        spool: Spool,
        thread: Executor,
        unix_s: Callable[[], float | None],
        stored: Callable[[], None],
        rate_per_s: float = DEFAULT_RATE_PER_S,
    ) -> None:
        """`stored` is called after each write, so that it is synced sometime."""
        self.skipped = 0
        """Samples that were not taken because the disk stalled."""
        self.stream = SpoolStream(spool, thread, rate_per_s, RecordClass.SAMPLE)
        self._spool = spool
        self._thread = thread
        self._unix_s = unix_s
        self._stored = stored
        last = max(spool.last_key(RecordClass.SAMPLE), spool.cursor(RecordClass.SAMPLE) or 0)
        self._next_key = (last // PER_START + 1) * PER_START
        self._writing = 0
        self._ready: Callable[[], None] = _nobody

    def on_ready(self, ready: Callable[[], None]) -> None:
        self._ready = ready
        self.stream.on_ready(ready)

    def put(self, topic: str, payload: bytes) -> None:
        """`topic` is relative to the board's base. Published once the storage thread has written it."""
        if self._writing >= MAX_WRITING:
            self.skipped += 1
            return
        self._next_key += 1
        now_s = self._unix_s()
        record = SpoolRecord(self._next_key, 0 if now_s is None else int(now_s * 1000), topic, payload)
        self._writing += 1
        append = partial(self._spool.append, RecordClass.SAMPLE, [record])
        written = asyncio.get_running_loop().run_in_executor(self._thread, append)
        written.add_done_callback(partial(self._written, record))

    def _written(self, record: SpoolRecord, _done: asyncio.Future[None]) -> None:
        self._writing -= 1
        self._stored()
        self.stream.put(EventRecord(id_of(record.key), record.payload, record.topic))
        self._ready()


def _nobody() -> None:
    pass
