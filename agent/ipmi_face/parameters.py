# SPDX-License-Identifier: Apache-2.0
"""Raw parameters that IPMI clients write, in the state database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.store.settings import Settings


class StoredParameters:
    """Implements ipmi.board.ParameterStore."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        """`prefix` is the settings' key up to the number, such as `boot.0`."""
        self._settings = settings
        self._prefix = prefix

    def get(self, parameter: int) -> bytes | None:
        stored = self._settings.get(f"{self._prefix}.{parameter}")
        return None if stored is None else bytes.fromhex(stored)

    async def set(self, parameter: int, data: bytes) -> None:
        """Raises StoreError."""
        await self._settings.put({f"{self._prefix}.{parameter}": data.hex()})
