# SPDX-License-Identifier: Apache-2.0
"""The lines of one chassis or auxiliary domain on the line engine: maintained outputs out, power-good inputs in."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from native import LineError, Outcome, Steady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from native import LineEngine

log = logging.getLogger(__name__)


class RailLines:
    """Implements agent.power.rail_unit.RailControls. Outputs are raised in order and lowered in reverse."""

    def __init__(
        self,
        engine: LineEngine,
        outputs: Sequence[str],
        armed: bool,
        driven: Callable[[bool], None],
        failed: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._outputs = tuple(outputs)
        self._armed = armed
        self._driven = driven
        self._failed = failed
        self._waiting: set[int] = set()
        self._problems: list[str] = []
        self._active = False

    @property
    def armed(self) -> bool:
        return self._armed

    def found(self) -> bool | None:
        """The level of all outputs as they are driven; None where they differ or are not ours to know."""
        if not self._armed or not self._outputs:
            return None
        levels = {self._engine.output(name) for name in self._outputs}
        return levels.pop() if len(levels) == 1 else None

    def drive(self, active: bool) -> None:
        """A newer call replaces what an older one waits for."""
        self._active, self._problems = active, []
        self._waiting = set()
        for name in self._outputs if active else reversed(self._outputs):
            try:
                self._waiting.add(self._engine.set(name, active))
            except LineError as error:
                self._problems.append(str(error))
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._told)

    def command_done(self, token: int, outcome: Outcome, reason: str) -> None:
        """The engine reports the end of a command; others' tokens are none of ours."""
        if token not in self._waiting:
            return
        self._waiting.discard(token)
        if outcome is not Outcome.COMPLETED:
            self._problems.append(reason or outcome.name.lower())
        if not self._waiting:
            self._told()

    def close(self) -> None:
        """Outputs keep their level."""

    def _told(self) -> None:
        if self._problems:
            self._failed(f"its control was not {'raised' if self._active else 'lowered'}: {'; '.join(self._problems)}")
        else:
            self._driven(self._active)


def all_good(inputs: Sequence[str], levels: Mapping[str, Steady]) -> bool | None:
    """What several power-good inputs say together: on when all are, off when one is; None = it cannot be told."""
    seen = [levels[name] for name in inputs]
    if Steady.INACTIVE in seen:
        return False
    return True if seen and all(one is Steady.ACTIVE for one in seen) else None
