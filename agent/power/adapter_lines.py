# SPDX-License-Identifier: Apache-2.0
"""A host that is switched by adapters: the machine's presses become their commands, with bounded retries."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import (
    LEVEL_ABILITIES,
    Ability,
    AdapterError,
    Level,
    Precondition,
    PreconditionFailed,
)
from agent.power.effects import Button, PowerGood, PressResult
from agent.power.request import Action, Reply, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from agent.hardware.adapters.supervised import SupervisedAdapter
    from agent.power.effects import HoldUntilOff, Press

log = logging.getLogger(__name__)

NEEDS: dict[Action, tuple[str, ...]] = {
    Action.ON: ("on",),
    Action.SOFT_OFF: ("soft_off",),
    Action.FORCE_OFF: ("off",),
    Action.CYCLE: ("off", "on"),
    Action.RESET: ("reset",),
    Action.NMI: ("nmi",),
}
"""Which keys of `[hosts.controls]` an action takes."""

TRIES = 3
"""Only for on and off of an adapter that reports, each after a fresh look (safety rule 5)."""
RETRY_WAIT_S = 0.5
REACTION_MS = 1000
"""What the host has beyond the adapters' own deadlines."""
WANTED = {Ability.ON: Level.ON, Ability.OFF: Level.OFF}

_tokens = itertools.count(-1, -1)
"""Below zero: those of the line engine are above it, and every host hears them all."""


class AdapterHostLines:
    """Implements agent.power.host.HostLines. Used on the loop's thread."""

    def __init__(
        self, controls: Mapping[Ability, SupervisedAdapter], armed: bool, buttons: Collection[Ability] = ()
    ) -> None:
        """`controls` has an adapter for SENSE, and for everything that the host can do.

        `buttons`: abilities that are presses of the host's own lines, and mean another thing in another state.
        """
        self._controls = controls
        self._buttons = frozenset(buttons)
        self._armed = armed
        self._ended: Callable[[int, PressResult, str], None] = lambda token, result, detail: None
        self._tasks: set[asyncio.Task[None]] = set()

    def tell_ends_to(self, ended: Callable[[int, PressResult, str], None]) -> None:
        """`ended` is Host.press_ended."""
        self._ended = ended

    @property
    def act_within_ms(self) -> int:
        """How long any command may take, retries included."""
        slowest_s = max(
            self._tries(ability) * (adapter.deadline_s + RETRY_WAIT_S) for ability, adapter in self._controls.items()
        )
        return round(slowest_s * 1000) + REACTION_MS

    @property
    def sense(self) -> SupervisedAdapter:
        return self._controls[Ability.SENSE]

    def lacks(self, action: Action) -> str:
        missing = [key for key in NEEDS[action] if Ability(key) not in self._controls]
        return f"adapter for {' and '.join(missing)} ([hosts.controls])" if missing else ""

    @property
    def armed(self) -> bool:
        return self._armed

    def press(self, press: Press) -> int:
        match press.button:
            case Button.RESET:
                ability = Ability.RESET
            case Button.NMI:
                ability = Ability.NMI
            case Button.POWER:
                ability = Ability.SOFT_OFF if press.when is PowerGood.ON else Ability.ON
        return self._begin(ability, press.when, press.stable_ms, 0)

    def hold_until_off(self, hold: HoldUntilOff) -> int:
        return self._begin(Ability.OFF, hold.when, hold.stable_ms, hold.at_most_ms)

    async def cut(self) -> Reply | None:
        """Off in so many words, whatever the sense says; None where that is a button, which needs to know the state."""
        adapter = self._controls.get(Ability.OFF)
        if adapter is None or not self._armed or Ability.OFF in self._buttons:
            return None
        try:
            await adapter.act(Ability.OFF, Precondition(self.sense.sense.level, own=False))
        except AdapterError as error:
            return Reply(Verdict.FAILED, str(error))
        return Reply(Verdict.DONE, "off was sent; its state is unknown")

    def close(self) -> None:
        """Give up what is under way; what was sent goes on."""
        for task in self._tasks:
            task.cancel()

    # ------------------------------------------------------------------ inside

    def _begin(self, ability: Ability, level: PowerGood, stable_ms: int, off_within_ms: int) -> int:
        token = next(_tokens)
        when = self._precondition(ability, Level(level.value), stable_ms)
        task = asyncio.create_task(self._carry_out(token, ability, when, off_within_ms), name=f"act-{ability.value}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return token

    def _precondition(self, ability: Ability, level: Level, stable_ms: int) -> Precondition:
        sense = self.sense

        def still() -> bool:
            return sense.sense.level is level and time.monotonic_ns() >= sense.since_ns + stable_ms * 1_000_000

        return Precondition(level, still, own=self._controls.get(ability) is sense, stable_ms=stable_ms)

    async def _carry_out(self, token: int, ability: Ability, when: Precondition, off_within_ms: int) -> None:
        began_s = time.monotonic()
        try:
            await self._try(ability, when)
        except PreconditionFailed as error:
            log.info("%s", error)
            result, detail = PressResult.REFUSED, str(error)
        except AdapterError as error:
            result, detail = PressResult.FAILED, str(error)
        else:
            result, detail = PressResult.COMPLETED, ""
            left_s = off_within_ms / 1000 - (time.monotonic() - began_s)
            if off_within_ms and not await self._is_off_within(left_s):
                result = PressResult.LIMIT_REACHED
        self._ended(token, result, detail)

    async def _try(self, ability: Ability, when: Precondition) -> None:
        """Raises AdapterError. What a first try may have done after all is seen before the next."""
        adapter = self._controls[ability]
        tries = self._tries(ability)
        for attempt in range(1, tries + 1):
            try:
                await adapter.act(ability, when)
            except PreconditionFailed:
                if attempt == 1 or self.sense.sense.level is not WANTED.get(ability):
                    raise
            except AdapterError as error:
                if attempt == tries:
                    raise
                log.warning("%s; try %d of %d follows", error, attempt + 1, tries)
                await asyncio.sleep(RETRY_WAIT_S)
                continue
            return

    def _tries(self, ability: Ability) -> int:
        return TRIES if ability in LEVEL_ABILITIES and self._controls[ability].reports else 1

    async def _is_off_within(self, within_s: float) -> bool:
        """As a hold on a line ends with power-good: wait for the sense to follow."""
        deadline_s = time.monotonic() + within_s
        while self.sense.sense.level is not Level.OFF:
            if time.monotonic() >= deadline_s:
                return False
            await asyncio.sleep(0.02)
        return True
