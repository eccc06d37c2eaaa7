# SPDX-License-Identifier: Apache-2.0
"""A power-good input on the line engine, as an adapter senses with it and makes its orders depend on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import AdapterError, Level, PreconditionFailed, Sense
from native import Condition, Outcome, Steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.adapters.engine_lines import EngineLines
    from agent.hardware.adapters.interface import Precondition, Surroundings
    from native import CommandDone

LEVELS = {
    Steady.INACTIVE: Sense(Level.OFF),
    Steady.ACTIVE: Sense(Level.ON),
    Steady.BLINKING: Sense(Level.SLEEPING),
    Steady.UNKNOWN: Sense(Level.UNKNOWN, "power-good has not settled"),
}
STEADY = {sense.level: steady for steady, sense in LEVELS.items()}


class PowerGood:
    """An input of the profile by its name, or none (the empty name): then nothing is sensed. On the loop's thread."""

    def __init__(self, line: str, around: Surroundings) -> None:
        self._line = line
        self._around = around
        self._unwatch: Callable[[], None] = lambda: None

    def start(self, tell: Callable[[Sense], None]) -> None:
        """`tell` hears every settled state, and the one of now if there is one. Raises AdapterError."""
        self.close()
        if self._line:
            lines = engine_lines(self._around)
            self._unwatch = lines.watch(self._line, lambda steady: tell(LEVELS[steady]))
            if (steady := lines.steady(self._line)) is not Steady.UNKNOWN:
                tell(LEVELS[steady])

    def close(self) -> None:
        self._unwatch()

    def condition(self, when: Precondition) -> Condition | None:
        """What the engine looks at again in the instant of the edge."""
        if not self._line:
            return None
        return Condition(self._line, stable_ms=float(when.stable_ms), steady=STEADY[when.level])


def engine_lines(around: Surroundings) -> EngineLines:
    """The board's lines. Raises AdapterError if it has none."""
    if around.lines is None:
        raise around.error("this board has no lines")
    return around.lines


def check_outcome(done: CommandDone, around: Surroundings) -> None:
    """Raises PreconditionFailed or AdapterError unless the engine carried the command out.

    A hold that ran into its limit was carried out: whether it helped, the sense tells.
    """
    if done.outcome is Outcome.REFUSED:
        raise PreconditionFailed(f"{around.place}: {done.reason}")
    if done.outcome not in (Outcome.COMPLETED, Outcome.LIMIT_REACHED):
        raise AdapterError(f"{around.place}: line {done.line}: {done.outcome.name.lower()}: {done.reason}")
