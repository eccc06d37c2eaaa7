# SPDX-License-Identifier: Apache-2.0
"""Whether all parts of a program live: each beats by itself, and only all together are told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Pulse:
    """Calls `alive` whenever every part has beaten since the last time."""

    def __init__(self, parts: Iterable[str], alive: Callable[[], None]) -> None:
        self._parts = frozenset(parts)
        self._alive = alive
        self._beaten: set[str] = set()

    def beat(self, part: str) -> None:
        self._beaten.add(part)
        if self._beaten >= self._parts:
            self._beaten.clear()
            self._alive()
