# SPDX-License-Identifier: Apache-2.0
"""Which interlocks have fired and were not reset: remembered over restarts, for a rule acts once until it is reset.

A file, not a row of the database, for the reason of `armed`: it must be known before the lines are requested.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from agent.store.private import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

log = logging.getLogger(__name__)

FILE = "interlocks-fired"


class FiredInterlocks:
    """Used on the loop's thread, but for the making of it. The file is written off the loop, the last state always."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / FILE
        self.names = _read(self._file)
        """Those of earlier runs, as found at start; later those that were given to `keep`."""
        self._written = self.names
        self._task: asyncio.Task[None] | None = None

    def keep(self, names: Iterable[str]) -> None:
        """Remember these from now on. What cannot be written is logged and tried again with the next change."""
        self.names = frozenset(names)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="interlocks-fired")

    async def close(self) -> None:
        """Wait until the last state is in the file."""
        if self._task:
            await self._task

    async def _write(self) -> None:
        while self.names != self._written:
            names = self.names
            try:
                await asyncio.to_thread(write_private, self._file, json.dumps(sorted(names)).encode())
            except OSError as error:
                log.error("%s: not written: %s; after a restart fired interlocks could act again", self._file, error)
                return
            self._written = names


def _read(file: Path) -> frozenset[str]:
    """An unreadable file remembers nothing; that is logged."""
    try:
        names = json.loads(file.read_bytes())
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("not a list of names")
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError) as error:
        log.error("%s: cannot be read: %s; interlocks that fired before may act again", file, error)
        return frozenset()
    return frozenset(names)
