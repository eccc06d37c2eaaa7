# SPDX-License-Identifier: Apache-2.0
"""Boot options in the state database, one per parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.store.settings import Settings


class StoredBootOptions:
    """Implements ipmi.board.ParameterStore."""

    def __init__(self, settings: Settings, host: str) -> None:
        self._settings = settings
        self._prefix = f"boot.{host}."

    def get(self, parameter: int) -> bytes | None:
        stored = self._settings.get(f"{self._prefix}{parameter}")
        return None if stored is None else bytes.fromhex(stored)

    async def set(self, parameter: int, data: bytes) -> None:
        """Raises StoreError."""
        await self._settings.put({f"{self._prefix}{parameter}": data.hex()})
