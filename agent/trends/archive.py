# SPDX-License-Identifier: Apache-2.0
"""Trends in the state database: a ring of rows per reading and span, written in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.trends.series import Bucket
from agent.trends.span import GRIDS, Span

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from agent.store.database import Database

TABLE = """
CREATE TABLE IF NOT EXISTS trends (
    reading TEXT NOT NULL, span TEXT NOT NULL, slot INTEGER NOT NULL, position INTEGER NOT NULL,
    count INTEGER NOT NULL, mean REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    PRIMARY KEY (span, slot, reading)
) WITHOUT ROWID
"""
"""In this order what is written together is in the same pages: a tenth of the flash writes of the other order."""
CLOCK_TABLE = """
CREATE TABLE IF NOT EXISTS trends_clock (
    only INTEGER PRIMARY KEY CHECK (only = 1), axis_s REAL NOT NULL, unix_s REAL NOT NULL
)
"""

OF_READING = """
WITH RECURSIVE slots (slot) AS (VALUES (0) UNION ALL SELECT slot + 1 FROM slots WHERE slot < ?)
SELECT position, count, mean, low, high
FROM slots CROSS JOIN trends ON trends.span = ? AND trends.slot = slots.slot AND trends.reading = ?
"""
"""One look-up for each slot instead of a walk over all readings."""

Row = tuple[str, Span, Bucket]


class TrendArchive:
    """Everything runs on the storage thread."""

    def __init__(self, database: Database) -> None:
        """Raises StoreError."""
        self._database = database
        database.transact_now(_create)

    def clock(self) -> tuple[float, float] | None:
        """Axis and wall clock of the last write, seconds: for start-up. Raises StoreError."""
        return self._database.transact_now(_clock)

    def forget_old(self, axis_s: float) -> None:
        """Drop what is older than its span: for start-up. Raises StoreError."""
        self._database.transact_now(lambda connection: _forget(connection, axis_s))

    def begun(self, axis_s: float) -> list[Row]:
        """The steps that are not over at a time: for start-up. Raises StoreError."""
        return self._database.transact_now(lambda connection: _begun(connection, axis_s))

    async def write(self, rows: Sequence[Row], axis_s: float, unix_s: float) -> None:
        """Raises StoreError."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO trends VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (name, span.value, b.position % GRIDS[span].steps, b.position, b.count, b.mean, b.low, b.high)
                    for name, span, b in rows
                ],
            )
            connection.execute("INSERT OR REPLACE INTO trends_clock VALUES (1, ?, ?)", (axis_s, unix_s))

        await self._database.transact(work)

    async def read(self, reading: str, span: Span) -> list[Bucket]:
        """In no order; older ones than the span may be among them. Raises StoreError."""

        def work(connection: sqlite3.Connection) -> list[Bucket]:
            rows = connection.execute(OF_READING, (GRIDS[span].steps - 1, span.value, reading))
            return [Bucket(*row) for row in rows]

        return await self._database.transact(work)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(TABLE)
    connection.execute(CLOCK_TABLE)


def _begun(connection: sqlite3.Connection, axis_s: float) -> list[Row]:
    found: list[Row] = []
    for span, grid in GRIDS.items():
        position = grid.position(axis_s)
        rows = connection.execute(
            "SELECT reading, position, count, mean, low, high FROM trends WHERE span = ? AND slot = ? AND position = ?",
            (span.value, position % grid.steps, position),
        )
        found += [(name, span, Bucket(*bucket)) for name, *bucket in rows]
    return found


def _clock(connection: sqlite3.Connection) -> tuple[float, float] | None:
    row = connection.execute("SELECT axis_s, unix_s FROM trends_clock").fetchone()
    return None if row is None else (float(row[0]), float(row[1]))


def _forget(connection: sqlite3.Connection, axis_s: float) -> None:
    for span, grid in GRIDS.items():
        oldest = grid.position(axis_s) - grid.steps
        connection.execute("DELETE FROM trends WHERE span = ? AND position <= ?", (span.value, oldest))
