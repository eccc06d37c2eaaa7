# SPDX-License-Identifier: Apache-2.0
"""Power-on hours of the host: counts elapsed time with power-good on, never the wall clock (safety rule 22)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.store.settings import Settings

STORE_EVERY_S = 600
"""Flash wear against accuracy: a kill loses at most this much of a count in hours."""


class PowerOnHours:
    """Used on the loop's thread."""

    def __init__(self, store: Settings, host: str) -> None:
        self._store = store
        self._key = f"hours.host.{host}"
        self._seconds = float(store.get(self._key, 0.0))
        self._stored = self._seconds
        self._on_since: float | None = None

    @property
    def on(self) -> bool:
        return self._on_since is not None

    def powered(self, on: bool) -> None:
        """Power-good changed, or may have."""
        self._count()
        self._on_since = time.monotonic() if on else None

    def hours(self) -> int:
        self._count()
        return int(self._seconds // 3600)

    async def store_if_due(self, now: bool = False) -> None:
        """Write the count when enough has come together, or `now`. Raises StoreError."""
        self._count()
        if self._seconds != self._stored and (now or self._seconds - self._stored >= STORE_EVERY_S):
            await self._store.put({self._key: round(self._seconds)})
            self._stored = self._seconds

    def _count(self) -> None:
        if self._on_since is not None:
            now = time.monotonic()
            self._seconds += now - self._on_since
            self._on_since = now
