# SPDX-License-Identifier: Apache-2.0
"""The power-restore policy: the site file's word until somebody sets another, which is stored."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.store.settings import Settings

KEY = "policy.restore"


class Restore(enum.Enum):
    """What hosts do when the mains come back. The value is the word of the site file and of faces."""

    OFF = "off"
    PREVIOUS = "previous"
    ON = "on"


STORED = (Restore.OFF, Restore.PREVIOUS, Restore.ON)
"""By the number in the state database, which is that of IPMI's Set Power Restore Policy."""


class RestorePolicy:
    """Used on the loop's thread."""

    def __init__(self, site: str, store: Settings, changed: Callable[[], None]) -> None:
        self._site = Restore(site)
        self._store = store
        self._changed = changed

    @property
    def current(self) -> Restore:
        stored = self._store.get(KEY)
        return self._site if stored is None else STORED[stored]

    async def set(self, policy: Restore) -> None:
        """Raises StoreError."""
        await self.store(self.row(policy))

    def row(self, policy: Restore) -> dict[str, object]:
        """What is to be stored for a policy, for whoever stores it with more; then `told` is called."""
        return {KEY: STORED.index(policy)}

    async def store(self, row: Mapping[str, object]) -> None:
        """Raises StoreError."""
        await self._store.put(row)
        self._changed()

    def told(self) -> None:
        """The row was stored."""
        self._changed()
