# SPDX-License-Identifier: Apache-2.0
"""Puts every event into the spool before it is told, and has it synced in time (safety rule 24)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from agent.events.event import Severity
from agent.mqtt import topics
from agent.mqtt.event_key import key_of
from agent.spool.record import RecordClass, SpoolRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from agent.events.event import Event
    from agent.spool.spool import Spool

SYNC_S = 0.8
"""After the first unsynced event, with room for a slow sync before the second is over."""
SAMPLES_SYNC_S = 10.0
"""Samples are worth less than the flash that a sync of each would wear."""
RETRY_S = 2.0
"""How often a disk that took nothing is tried again."""


class EventSpooler:
    """Implements agent.store.journal.Companion."""

    def __init__(self, spool: Spool, thread: Executor) -> None:
        """`thread` is the storage thread, the only one that calls the spool."""
        self._spool = spool
        self._thread = thread
        self._timer: asyncio.TimerHandle | None = None
        self._syncing: asyncio.Future[None] | None = None

    def store(self, events: Sequence[Event]) -> None:
        self._spool.append(RecordClass.EVENT, [_record(event) for event in events])

    def stored(self, events: Sequence[Event]) -> None:
        """A sync follows within SYNC_S, at once after a critical event."""
        self._sync_within(0.0 if any(event.severity is Severity.CRITICAL for event in events) else SYNC_S)

    def samples_stored(self) -> None:
        """Samples were appended by somebody else: a sync follows within SAMPLES_SYNC_S."""
        self._sync_within(SAMPLES_SYNC_S)

    async def close(self) -> None:
        """No more syncs; the last one is waited for. The spool is closed by its owner."""
        if self._timer is not None:
            self._timer.cancel()
        if self._syncing is not None:
            await asyncio.wait((self._syncing,))

    def _sync_within(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + delay_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay_s, self._sync)

    def _sync(self) -> None:
        self._timer = None
        self._syncing = asyncio.get_running_loop().run_in_executor(self._thread, self._spool.sync)
        self._syncing.add_done_callback(self._synced)

    def _synced(self, _done: asyncio.Future[None]) -> None:
        if self._spool.state.error and self._timer is None:
            self._sync_within(RETRY_S)


def _record(event: Event) -> SpoolRecord:
    payload = msgspec.json.encode(event.payload())
    return SpoolRecord(key_of(event.id), event.unix_ms, topics.EVENT, payload)
