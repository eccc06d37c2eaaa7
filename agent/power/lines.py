# SPDX-License-Identifier: Apache-2.0
"""The lines of one host on the line engine: presses with their precondition, holds that end with power-good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.effects import Button, HoldUntilOff, PowerGood, Press, PressResult
from agent.power.request import Action
from native import Condition, Outcome, Steady

if TYPE_CHECKING:
    from agent.power.request import Reply
    from agent.profile.schema import HostTable
    from native import LineEngine

POWER_GOOD: dict[Steady, PowerGood] = {
    Steady.INACTIVE: PowerGood.OFF,
    Steady.ACTIVE: PowerGood.ON,
    Steady.BLINKING: PowerGood.SLEEPING,
}
STEADY = {level: steady for steady, level in POWER_GOOD.items()}

BUTTONS = {Action.RESET: Button.RESET, Action.NMI: Button.NMI}
"""Every other action is the power button's."""

RESULTS: dict[Outcome, PressResult] = {
    Outcome.COMPLETED: PressResult.COMPLETED,
    Outcome.LIMIT_REACHED: PressResult.LIMIT_REACHED,
    Outcome.REFUSED: PressResult.REFUSED,
    Outcome.CANCELLED: PressResult.FAILED,
    Outcome.PREEMPTED: PressResult.FAILED,
    Outcome.FAILED: PressResult.FAILED,
}


class EngineHostLines:
    """Implements agent.power.host.HostLines."""

    def __init__(self, table: HostTable, engine: LineEngine, armed: bool) -> None:
        self._engine = engine
        self._armed = armed
        self._power_good = table.power_good
        self._lines = {
            Button.POWER: table.power_button,
            Button.RESET: table.reset_button,
            Button.NMI: table.nmi_button,
        }

    def lacks(self, action: Action) -> str:
        button = BUTTONS.get(action, Button.POWER)
        return "" if self._lines[button] else f"{button.value} button line"

    @property
    def armed(self) -> bool:
        return self._armed

    async def cut(self) -> Reply | None:
        """A press would start a host that is off: never without knowing."""
        return None

    def press(self, press: Press) -> int:
        line = self._lines[press.button]
        condition = self._condition(press.when, press.stable_ms)
        return self._engine.pulse(line, float(press.width_ms), precondition=condition)

    def hold_until_off(self, hold: HoldUntilOff) -> int:
        line = self._lines[Button.POWER]
        return self._engine.hold_until(
            line,
            Condition(self._power_good, active=False),
            float(hold.at_most_ms),
            precondition=self._condition(hold.when, hold.stable_ms),
        )

    def _condition(self, level: PowerGood, stable_ms: int) -> Condition:
        return Condition(self._power_good, stable_ms=float(stable_ms), steady=STEADY[level])
