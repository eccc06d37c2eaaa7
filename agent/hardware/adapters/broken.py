# SPDX-License-Identifier: Apache-2.0
"""In the place of an adapter that cannot be made: everything fails, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import Ability, AdapterError, Level, Sense

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.adapters.interface import Precondition


class BrokenAdapter:
    """Implements PowerAdapter, so that one broken package leaves the board's other hosts their agent."""

    abilities = frozenset(Ability)
    reports = False

    def __init__(self, error: AdapterError) -> None:
        self._error = error

    async def start(self, tell: Callable[[Sense], None]) -> None:
        tell(Sense(Level.UNKNOWN, str(self._error)))

    async def act(self, ability: Ability, when: Precondition) -> None:
        raise AdapterError(str(self._error))

    async def close(self) -> None:
        """Nothing was opened."""
