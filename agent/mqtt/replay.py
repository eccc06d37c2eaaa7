# SPDX-License-Identifier: Apache-2.0
"""Events over a restart: what the broker had not acknowledged when the agent ended is queued again at its next start.

The event record of the store holds every event before it is told; what is kept here is how far the broker got.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Protocol

import msgspec

from agent.mqtt.event_queue import EventRecord, MemoryEventQueue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

KEY = "mqtt.cursor"
STORE_S = 1.0
"""A kill costs at most so much progress: those events come twice, under the same id."""


class EventSource(Protocol):
    """The store's record of events."""

    async def after(self, event_id: str) -> Sequence[Mapping[str, object]]:
        """Events with greater ids, oldest first, as published. Raises StoreError."""
        ...

    async def last_id(self) -> str:
        """The greatest id in the record, or an empty string. Raises StoreError."""
        ...


class CursorStore(Protocol):
    """Settings that survive."""

    def get(self, key: str, default: object = None) -> object: ...

    async def put(self, values: Mapping[str, object]) -> None: ...


class EventReplay:
    """Used on the loop's thread. `load` before this run's first event, else it would be queued twice."""

    def __init__(self, source: EventSource, store: CursorStore) -> None:
        self.queue = MemoryEventQueue()
        self._source = source
        self._store = store
        self._task: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Queue what is owed. A board that never had a broker owes nothing. Raises StoreError."""
        cursor = self._store.get(KEY)
        if not isinstance(cursor, str):
            await self._store.put({KEY: await self._source.last_id()})
            return
        self.queue.cursor = cursor
        owed = await self._source.after(cursor)
        for payload in owed:
            self.queue.put(EventRecord(str(payload["id"]), msgspec.json.encode(payload)))
        if owed:
            log.info("MQTT: %d events of earlier runs are to be published", len(owed))

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="mqtt-cursor")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._put()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(STORE_S)
            await self._put()

    async def _put(self) -> None:
        try:
            if self.queue.cursor:
                await self._store.put({KEY: self.queue.cursor})
        except OSError as error:
            log.warning("MQTT: how far the broker got is not stored: %s", error)
