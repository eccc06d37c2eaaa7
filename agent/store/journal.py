# SPDX-License-Identifier: Apache-2.0
"""Makes events durable before they are told: event record, SEL and event log in one transaction per batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from agent.store.event_log import EventLog
from agent.store.sel import SystemEventLog, mark_overflow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from agent.events.event import Event
    from agent.store.database import Database

KEPT_EVENTS = 10_000
PRUNE_EVERY = 500
"""Events between two prunings, so that the record is not searched at each write."""


class Companion(Protocol):
    """Writes the same events elsewhere, in the same visit to the storage thread."""

    def store(self, events: Sequence[Event]) -> None:
        """On the storage thread. Raises nothing: a disk that fails is its own affair."""
        ...

    def stored(self, events: Sequence[Event]) -> None:
        """On the loop's thread, after `store`, before anyone is told."""
        ...


class EventJournal:
    """Implements agent.events.bus.Journal."""

    def __init__(
        self,
        database: Database,
        sel: SystemEventLog,
        sel_record: Callable[[Event], bytes | None],
        companion: Companion | None = None,
    ) -> None:
        """`sel_record` gives the 16 bytes of an event, or None when it has no place in the SEL.

        `companion` is given every event, also when the database takes none.
        """
        self._companion = companion
        self._database = database
        self._sel = sel
        self._sel_record = sel_record
        self._since_pruning = PRUNE_EVERY

    async def write(self, events: Sequence[Event]) -> None:
        """Write all events in one transaction. Raises StoreError."""
        rows = [(event.id, msgspec.json.encode(event.payload()).decode()) for event in events]
        records = [record for event in events if (record := self._sel_record(event)) is not None]
        placed = self._sel.place(records)
        self._since_pruning += len(rows)
        prune = self._since_pruning >= PRUNE_EVERY

        def store(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO events (id, body) VALUES (?, ?)", rows)
            SystemEventLog.write(connection, placed)
            if len(placed) < len(records):
                mark_overflow(connection)
            EventLog.write(connection, events)
            if prune:
                connection.execute(
                    "DELETE FROM events WHERE id NOT IN (SELECT id FROM events ORDER BY id DESC LIMIT ?)",
                    (KEPT_EVENTS,),
                )

        def both() -> None:
            try:
                self._database.transact_here(store)
            finally:
                if self._companion is not None:
                    self._companion.store(events)

        try:
            await self._database.run(both)
        finally:
            if self._companion is not None:
                self._companion.stored(events)
        self._sel.adopt(placed)
        if prune:
            self._since_pruning = 0

    async def latest(self, count: int) -> list[dict[str, object]]:
        """The newest `count` events, oldest first, as published."""
        rows = await self._database.transact(
            lambda c: c.execute("SELECT body FROM events ORDER BY id DESC LIMIT ?", (count,)).fetchall()
        )
        return [msgspec.json.decode(row[0], type=dict[str, object]) for row in reversed(rows)]

    async def after(self, event_id: str, limit: int = KEPT_EVENTS) -> list[dict[str, object]]:
        """The first `limit` events with greater ids, oldest first, as published. Raises StoreError."""
        rows = await self._database.transact(
            lambda c: c.execute(
                "SELECT body FROM events WHERE id > ? ORDER BY id LIMIT ?", (event_id, limit)
            ).fetchall()
        )
        return [msgspec.json.decode(row[0], type=dict[str, object]) for row in rows]

    async def last_id(self) -> str:
        """The greatest id, or an empty string."""
        rows = await self._database.transact(lambda c: c.execute("SELECT MAX(id) FROM events").fetchall())
        return rows[0][0] or ""
