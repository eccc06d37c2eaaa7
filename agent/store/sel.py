# SPDX-License-Identifier: Apache-2.0
"""The system event log: at most 1,024 records of 16 bytes, in memory for reading and in the database for keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.board import SelInfo

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from agent.store.database import Database
    from agent.store.settings import Settings

CAPACITY = 1024
RECORD_BYTES = 16
LAST_ID = 0xFFFE
"""0000h and FFFFh are reserved (IPMI 2.0 section 31.5)."""


def mark_overflow(connection: sqlite3.Connection) -> None:
    """Let the next run know that records were lost; part of the transaction in which that happened."""
    connection.execute("INSERT OR REPLACE INTO settings (key, value) VALUES ('sel.overflow', 'true')")


def _clear(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM sel")
    connection.execute("DELETE FROM settings WHERE key = 'sel.overflow'")


class SystemEventLog:
    """Implements ipmi.board.EventLog. A full log loses its oldest record, or takes no more.

    Either way the overflow flag says so until the log is cleared.
    """

    def __init__(
        self, database: Database, settings: Settings, clock: Callable[[], int], *, overwrite: bool = True
    ) -> None:
        """`overwrite`: what a full log does with a new record."""
        self._overwrite = overwrite
        self._database = database
        self._settings = settings
        self._clock = clock
        rows = database.transact_now(
            lambda c: c.execute("SELECT id, position, record FROM sel ORDER BY position").fetchall()
        )
        self._records: dict[int, bytes] = {row[0]: row[2] for row in rows}
        self._position = rows[-1][1] if rows else 0
        self._last_id = rows[-1][0] if rows else int(settings.get("sel.last_id", 0))
        self._added_at = int(settings.get("sel.added_at", 0))
        self._erased_at = int(settings.get("sel.erased_at", 0))
        self._overflow = bool(settings.get("sel.overflow", False))

    def info(self) -> SelInfo:
        return SelInfo(
            entries=len(self._records),
            free_bytes=(CAPACITY - len(self._records)) * RECORD_BYTES,
            added_at=self._added_at,
            erased_at=self._erased_at,
            overflow=self._overflow,
        )

    def record_ids(self) -> Sequence[int]:
        return tuple(self._records)

    def record(self, record_id: int) -> bytes | None:
        return self._records.get(record_id)

    async def add(self, record: bytes) -> int | None:
        """Append one record from outside. Raises StoreError."""
        stored = self.place([record])
        if not stored:
            await self._database.transact(mark_overflow)
            return None
        await self._database.transact(lambda connection: self.write(connection, stored))
        self.adopt(stored)
        return stored[0][0]

    async def delete(self, record_id: int) -> bool:
        if record_id not in self._records:
            return False
        await self._database.transact(lambda c: c.execute("DELETE FROM sel WHERE id = ?", (record_id,)))
        self._records.pop(record_id, None)
        await self._mark_erased()
        return True

    async def clear(self) -> None:
        await self._database.transact(_clear)
        self._records.clear()
        self._overflow = False
        await self._mark_erased()

    async def _mark_erased(self) -> None:
        self._erased_at = self._clock()
        await self._settings.put({"sel.erased_at": self._erased_at, "sel.last_id": self._last_id})

    def place(self, records: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Give each record its id and position: (id, position, 16 bytes). Call on the loop, then write, then adopt."""
        placed: list[tuple[int, int, bytes]] = []
        for record in records:
            if not self._overwrite and len(self._records) + len(placed) >= CAPACITY:
                self._overflow = True
                break
            self._position += 1
            self._last_id = self._last_id % LAST_ID + 1
            placed.append((self._last_id, self._position, self._last_id.to_bytes(2, "little") + record[2:RECORD_BYTES]))
        return placed

    @staticmethod
    def write(connection: sqlite3.Connection, placed: Sequence[tuple[int, int, bytes]]) -> None:
        """The database's part of an addition; runs on the storage thread inside a transaction."""
        if not placed:
            return
        connection.executemany("INSERT OR REPLACE INTO sel (id, position, record) VALUES (?, ?, ?)", placed)
        dropped = connection.execute(
            "DELETE FROM sel WHERE id NOT IN (SELECT id FROM sel ORDER BY position DESC LIMIT ?)",
            (CAPACITY,),
        )
        if dropped.rowcount:
            mark_overflow(connection)

    def adopt(self, placed: Sequence[tuple[int, int, bytes]]) -> None:
        """The memory's part, once the database has it."""
        for record_id, _, record in placed:
            self._records.pop(record_id, None)
            self._records[record_id] = record
        while len(self._records) > CAPACITY:
            del self._records[next(iter(self._records))]
            self._overflow = True
        if placed:
            self._added_at = self._clock()
