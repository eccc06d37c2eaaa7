# SPDX-License-Identifier: Apache-2.0
"""The SEL clock: the board's own, shifted by what a client set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.store.settings import Settings

KEY = "sel.clock_offset_s"
UTC_OFFSET_KEY = "sel.utc_offset_min"


class SelClock:
    """Implements ipmi.board.Clock. The board's wall clock itself is never changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._offset_s = int(settings.get(KEY, 0))

    def now(self) -> int:
        return min(max(0, int(time.time()) + self._offset_s), 0xFFFFFFFF)

    async def set(self, seconds: int) -> bool:
        """Raises StoreError."""
        offset_s = seconds - int(time.time())
        await self._settings.put({KEY: offset_s})
        self._offset_s = offset_s
        return True

    def utc_offset_min(self) -> int | None:
        minutes: int | None = self._settings.get(UTC_OFFSET_KEY, 0)
        return minutes

    async def set_utc_offset(self, minutes: int | None) -> None:
        """Raises StoreError."""
        await self._settings.put({UTC_OFFSET_KEY: minutes})
