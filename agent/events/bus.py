# SPDX-License-Identifier: Apache-2.0
"""The one event bus: gives each event its id, has it written, then hands it to every subscriber's bounded queue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from agent.events.catalog import CATALOG
from agent.events.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.events.event import EventKind

log = logging.getLogger(__name__)

QUEUE_EVENTS = 4096
"""A subscriber may lag by so many events before its oldest are dropped and counted."""


class Journal(Protocol):
    """Where events are made durable before anyone is told."""

    async def write(self, events: Sequence[Event]) -> None:
        """Write all or raise OSError."""
        ...


class Subscription:
    """One subscriber's queue. Used on the loop's thread only."""

    def __init__(self, name: str, capacity: int, closed: Callable[[Subscription], None]) -> None:
        self.name = name
        self.dropped = 0
        self._events: deque[Event] = deque(maxlen=capacity)
        self._wake = asyncio.Event()
        self._closed = closed

    def put(self, event: Event) -> None:
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self._events.append(event)
        self._wake.set()

    async def get(self) -> Event:
        """The oldest event not yet taken; waits for one."""
        while not self._events:
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def close(self) -> None:
        self._closed(self)


class EventBus:
    """Order of one emission: id, journal, subscribers. `emit` never blocks. Used on the loop's thread only."""

    def __init__(self, journal: Journal, start_number: int, boot: str) -> None:
        """`start_number` counts the starts of this agent and makes ids order over restarts; `boot` names this run."""
        self._journal = journal
        self._start_number = start_number
        self._boot = boot
        self._seq = 0
        self._pending: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._subscriptions: list[Subscription] = []
        self._task: asyncio.Task[None] | None = None
        self.journal_failures = 0

    @property
    def boot(self) -> str:
        return self._boot

    def start(self) -> None:
        self._task = asyncio.create_task(self._pump(), name="event-bus")

    async def close(self) -> None:
        """Wait until all that was emitted is written and handed out, then stop."""
        if self._task is None:
            return
        await self.drain()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def drain(self) -> None:
        """Wait until every event emitted so far has reached the journal and the subscribers' queues."""
        await self._idle.wait()

    def subscribe(self, name: str, capacity: int = QUEUE_EVENTS) -> Subscription:
        subscription = Subscription(name, capacity, self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription

    def emit(self, kind: EventKind, source: str, *args: str) -> Event:
        """Say that something happened; `args` fill the catalogue's text, the first names the source."""
        entry = CATALOG[kind]
        self._seq += 1
        event = Event(
            id=f"{self._start_number:08d}-{self._seq:010d}",
            boot=self._boot,
            seq=self._seq,
            unix_ms=time.time_ns() // 1_000_000,
            mono_ns=time.monotonic_ns(),
            kind=kind,
            source=source,
            severity=entry.severity,
            message_id=entry.message_id,
            message=entry.text.format(*args),
            args=args,
        )
        self._pending.append(event)
        self._idle.clear()
        self._wake.set()
        return event

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch = list(self._pending)
            self._pending.clear()
            try:
                await self._journal.write(batch)
            except OSError as error:
                self.journal_failures += len(batch)
                log.error("events not written, told without a record: %s", error)
            for event in batch:
                for subscription in self._subscriptions:
                    subscription.put(event)
            if not self._pending:
                self._idle.set()
