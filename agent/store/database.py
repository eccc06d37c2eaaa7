# SPDX-License-Identifier: Apache-2.0
"""The state database: SQLite behind the one storage thread, because an SD card may stall a write for 100 ms."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

T = TypeVar("T")

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sel (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY AUTOINCREMENT, second INTEGER NOT NULL, place INTEGER NOT NULL,
    message_id TEXT NOT NULL, message TEXT NOT NULL, args TEXT NOT NULL, severity TEXT NOT NULL,
    UNIQUE (second, place)
);
CREATE TABLE IF NOT EXISTS operations (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, running INTEGER NOT NULL, body TEXT NOT NULL
);
"""


class StoreError(OSError):
    """The state database cannot be opened, read or written; the text names the file and the cure."""


class Database:
    """One SQLite file. Every access runs on the storage thread, in the order of the calls.

    WAL with synchronous=NORMAL: a killed process loses nothing that was committed, and a power cut never corrupts.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises StoreError."""
        self.path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pgood-store")
        try:
            self._connection = self._thread.submit(self._open).result()
        except (sqlite3.Error, OSError) as error:
            self._thread.shutdown()
            raise StoreError(f"{path}: cannot open the state database: {error}; is the directory writable?") from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            connection.close()
            raise OSError(f"written by a newer pgood (format {version}, this one knows {SCHEMA_VERSION})")
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        return connection

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error
        return result

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction on the storage thread. Raises StoreError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    @property
    def thread(self) -> Executor:
        """The storage thread, for other files that must not be written on the loop."""
        return self._thread

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on the storage thread outside of a transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def transact_here(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same as `transact`, for work that is on the storage thread already. Raises StoreError."""
        return self._transact(work)

    def sync_now(self) -> None:
        """What was committed outlasts a power cut when this returns: for start-up. Raises StoreError."""
        self._thread.submit(self._checkpoint).result()

    async def sync(self) -> None:
        """The same, without holding up the loop. Raises StoreError."""
        await self.run(self._checkpoint)

    def _checkpoint(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def transact_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same, waiting for it: for start-up, before the loop runs. Raises StoreError."""
        return self._thread.submit(self._transact, work).result()

    def close(self) -> None:
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()
