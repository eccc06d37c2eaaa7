# SPDX-License-Identifier: Apache-2.0
"""One class of the spool on its way to the publisher: history at a set rate, what happens now behind it, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from agent.mqtt.event_key import id_of, key_of
from agent.mqtt.event_queue import EventRecord, QueueState
from agent.mqtt.pace import Pace
from agent.spool.record import RecordClass

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from agent.spool.record import SpoolRecord
    from agent.spool.spool import Spool

READY = 256
"""Records in memory; the rest stays on the disk."""
LOW = 128
"""With fewer than that the next are read."""
ACKNOWLEDGE_S = 0.05
"""How far the broker got is stored so late; a kill brings that much twice, under the same ids."""
DEFAULT_RATE_PER_S = 200.0
MSGPACK = "/msgpack"
"""How topics of MessagePack end; all other payloads are JSON objects."""


class SpoolStream:
    """Implements agent.mqtt.event_queue.EventQueue over a spool that already holds each event put in here."""

    def __init__(
        self,
        spool: Spool,
        thread: Executor,
        rate_per_s: float = DEFAULT_RATE_PER_S,
        kind: RecordClass = RecordClass.EVENT,
    ) -> None:
        """Nothing may be appended by others between this and the first `put`. `thread` is the storage thread."""
        self._spool = spool
        self._kind = kind
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(rate_per_s)
        self._wake: Callable[[], None] = _nobody
        self._timer: asyncio.TimerHandle | None = None
        self._ready: deque[EventRecord] = deque()
        self._taken: dict[int, EventRecord] = {}
        """Ordered as taken, which is the order of keys."""
        self._acknowledged = spool.cursor(self._kind) or 0
        self._stored = self._acknowledged
        self._read_to = self._acknowledged
        """Key of the last record that is or was in memory."""
        self._newest = max(self._acknowledged, spool.last_key(self._kind))
        self._history_to = self._newest
        self._retired = self._acknowledged
        self._reading: asyncio.Future[list[SpoolRecord]] | None = None
        self._storing: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        in_memory = len(self._ready) + len(self._taken)
        if self._read_to >= self._newest:
            return in_memory
        return max(in_memory + 1, self._spool.state.owed[self._kind])

    def state(self) -> QueueState:
        state = self._spool.state
        return QueueState(
            dropped={reason.value: count for reason, count in state.dropped.items() if count},
            disk_bytes=state.bytes,
            disk_error=state.error,
            damage=state.damage,
        )

    def on_ready(self, ready: Callable[[], None]) -> None:
        self._wake = ready

    def put(self, record: EventRecord) -> None:
        """An event that the spool holds by now."""
        key = key_of(record.id)
        if key <= self._newest:
            return
        if self._read_to >= self._newest and len(self._ready) < READY:
            self._ready.append(record)
            self._read_to = key
        self._newest = key

    def take(self) -> EventRecord | None:
        if len(self._ready) < LOW:
            self._read_on()
        if not self._ready:
            return None
        record = self._ready[0]
        key = key_of(record.id)
        if key <= self._history_to:
            wait_s = self._pace.wait_s(self._loop.time())
            if wait_s > 0:
                self._wake_after(wait_s)
                return None
            record = EventRecord(record.id, historical(record), record.topic)
        self._taken[key] = self._ready.popleft()
        return record

    def retire(self, record_id: str) -> None:
        key = key_of(record_id)
        if self._taken.pop(key, None) is None:
            return
        self._retired = max(self._retired, key)
        oldest = next(iter(self._taken), None)
        if oldest is None or oldest > self._retired:
            self._acknowledge(self._retired)

    def rewind(self) -> None:
        self._ready.extendleft(reversed(self._taken.values()))
        self._taken.clear()
        self._history_to = self._newest

    async def close(self) -> None:
        """Store how far the broker got."""
        self._closed = True
        for timer in (self._timer, self._storing):
            if timer is not None:
                timer.cancel()
        await self._loop.run_in_executor(self._thread, self._store)

    # ------------------------------------------------------------------ the spool

    def _read_on(self) -> None:
        if self._reading is not None or self._read_to >= self._newest or self._closed:
            return
        limit = READY - len(self._ready)
        read = partial(self._spool.read, self._kind, self._read_to, limit)
        self._reading = self._loop.run_in_executor(self._thread, read)
        self._reading.add_done_callback(partial(self._read, self._newest, limit))

    def _read(self, newest: int, limit: int, done: asyncio.Future[list[SpoolRecord]]) -> None:
        """`newest` was the last event when the reading began: a short answer means that all up to it was seen."""
        self._reading = None
        if done.cancelled():
            return
        found = done.result()
        for record in found:
            self._ready.append(EventRecord(id_of(record.key), record.payload, record.topic))
            self._read_to = record.key
            self._newest = max(self._newest, record.key)  # the spool may have it before it is put in here
        if len(found) < limit:
            self._read_to = max(self._read_to, newest)
        if not self._ready and not self._taken:  # the last ones were dropped or are damaged
            self._acknowledge(self._read_to)
        self._wake()

    def _acknowledge(self, key: int) -> None:
        if key > self._acknowledged:
            self._acknowledged = key
            if self._storing is None:
                self._storing = self._loop.call_later(ACKNOWLEDGE_S, self._store_soon)

    def _store_soon(self) -> None:
        self._storing = None
        if not self._closed:
            self._loop.run_in_executor(self._thread, self._store)

    def _store(self) -> None:
        """On the storage thread."""
        key = self._acknowledged
        if key > self._stored:
            self._spool.acknowledge(self._kind, key)
            self._stored = key

    def _wake_after(self, delay_s: float) -> None:
        if self._timer is None and not self._closed:
            self._timer = self._loop.call_later(delay_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self._wake()


def historical(record: EventRecord) -> bytes:
    """The payload marked as one of before the connection; its times are its own."""
    if record.topic.endswith(MSGPACK):
        content = msgspec.msgpack.decode(record.payload, type=dict[str, object])
        return msgspec.msgpack.encode({**content, "historical": True})
    return record.payload[:-1] + b',"historical":true}'


def _nobody() -> None:
    pass
