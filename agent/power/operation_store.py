# SPDX-License-Identifier: Apache-2.0
"""Operations in the state database: written when they begin and when they end, so that a kill leaves a trace."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from agent.power.operations import KEPT, Operation

if TYPE_CHECKING:
    import sqlite3

    from agent.store.database import Database

log = logging.getLogger(__name__)

PRUNE_EVERY = 64


class OperationStore:
    """Implements agent.power.operations.OperationRecord. Used on the loop's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending: dict[str, Operation] = {}
        self._writer: asyncio.Task[None] | None = None
        self._since_pruning = 0

    def load(self) -> tuple[Operation, ...]:
        """Those of earlier runs, oldest first. Waits for the disk: for start-up. Raises StoreError."""
        rows = self._database.transact_now(
            lambda c: c.execute(
                "SELECT body FROM operations"
                " WHERE running = 1 OR number > (SELECT MAX(number) FROM operations) - ? ORDER BY number",
                (KEPT,),
            ).fetchall()
        )
        return tuple(msgspec.json.decode(row[0], type=Operation) for row in rows)

    def keep(self, operation: Operation) -> None:
        self._pending[operation.id] = operation
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="operations")

    async def close(self) -> None:
        """Wait until all is written. Raises nothing."""
        if self._writer:
            await self._writer

    async def _write(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, {}
            rows = [(one.id, one.running, msgspec.json.encode(one).decode()) for one in batch.values()]
            self._since_pruning += len(rows)
            prune = self._since_pruning >= PRUNE_EVERY
            try:
                await self._database.transact(lambda c, rows=rows, prune=prune: _put(c, rows, prune))  # type: ignore[misc]
            except OSError as error:
                log.error("operations not stored: %s", error)
            if prune:
                self._since_pruning = 0


def _put(connection: sqlite3.Connection, rows: list[tuple[str, bool, str]], prune: bool) -> None:
    connection.executemany(
        "INSERT INTO operations (id, running, body) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET running = excluded.running, body = excluded.body",
        rows,
    )
    if prune:
        connection.execute(
            "DELETE FROM operations WHERE running = 0 AND number <= (SELECT MAX(number) FROM operations) - ?",
            (KEPT,),
        )
