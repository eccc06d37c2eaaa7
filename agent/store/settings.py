# SPDX-License-Identifier: Apache-2.0
"""Settings changed at run time: JSON values by dotted key, read from memory, written in one transaction each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from agent.store.database import Database


class Settings:
    """The third kind of setting, above profile and site file. Reads never block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._values: dict[str, Any] = {
            key: msgspec.json.decode(value)
            for key, value in database.transact_now(lambda c: c.execute("SELECT key, value FROM settings").fetchall())
        }

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def all(self) -> Mapping[str, Any]:
        return dict(self._values)

    async def put(self, values: Mapping[str, Any]) -> None:
        """Store all of `values` in one transaction; nothing is written when nothing changes. Raises StoreError."""
        changed = self._changed(values)
        if changed:
            await self._database.transact(lambda connection: _upsert(connection, changed))
            self._values.update(changed)

    async def sync(self) -> None:
        """What was stored outlasts a power cut when this returns. Raises StoreError."""
        await self._database.sync()

    def put_now(self, values: Mapping[str, Any]) -> None:
        """The same, waiting for it: for start-up, before the loop runs. Raises StoreError."""
        changed = self._changed(values)
        if changed:
            self._database.transact_now(lambda connection: _upsert(connection, changed))
            self._values.update(changed)

    def _changed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        missing = object()
        return {key: value for key, value in values.items() if self._values.get(key, missing) != value}


def _upsert(connection: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    connection.executemany(
        "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [(key, msgspec.json.encode(value).decode()) for key, value in values.items()],
    )
