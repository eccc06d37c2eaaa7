# SPDX-License-Identifier: Apache-2.0
"""The persistent event log behind Redfish: ids by the second, unique over restarts and clock changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent.events.redfish_log import LogEntry, belongs, entry_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from agent.events.event import Event
    from agent.store.database import Database

CAPACITY = 4096
COLUMNS = "second, place, message_id, message, args, severity"


class EventLog:
    """Written with the event record, in the same transaction; read by whoever serves it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def write(connection: sqlite3.Connection, events: Sequence[Event]) -> None:
        """Runs on the storage thread inside a transaction."""
        for event in filter(belongs, events):
            second = event.unix_ms // 1000
            (place,) = connection.execute(
                "SELECT COALESCE(MAX(place) + 1, 0) FROM log WHERE second = ?", (second,)
            ).fetchone()
            entry = entry_of(event, place)
            connection.execute(
                f"INSERT INTO log ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    entry.second,
                    entry.place,
                    entry.message_id,
                    entry.message,
                    msgspec.json.encode(entry.args).decode(),
                    entry.severity,
                ),
            )
        connection.execute("DELETE FROM log WHERE position <= (SELECT MAX(position) FROM log) - ?", (CAPACITY,))

    async def latest(self, count: int) -> list[LogEntry]:
        """The newest `count` entries, oldest first. Raises StoreError."""
        rows = await self._database.transact(
            lambda c: c.execute(f"SELECT {COLUMNS} FROM log ORDER BY position DESC LIMIT ?", (count,)).fetchall()
        )
        return [_entry(row) for row in reversed(rows)]

    async def entry(self, entry_id: str) -> LogEntry | None:
        """The entry with this Id, or None. Raises StoreError."""
        second, _, place = entry_id.partition("_")
        if not (second.isascii() and second.isdigit() and (not place or (place.isascii() and place.isdigit()))):
            return None
        if max(len(second), len(place)) > 18:
            return None
        row = await self._database.transact(
            lambda c: c.execute(
                f"SELECT {COLUMNS} FROM log WHERE second = ? AND place = ?", (int(second), int(place or 0))
            ).fetchone()
        )
        found = None if row is None else _entry(row)
        return found if found is not None and found.id == entry_id else None

    async def clear(self) -> None:
        """Raises StoreError."""
        await self._database.transact(lambda c: c.execute("DELETE FROM log"))


def _entry(row: tuple[int, int, str, str, str, str]) -> LogEntry:
    second, place, message_id, message, args, severity = row
    return LogEntry(second, place, message_id, message, msgspec.json.decode(args, type=tuple[str, ...]), severity)
