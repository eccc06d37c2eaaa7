# SPDX-License-Identifier: Apache-2.0
"""The conformance test of power adapters: run it in your own tests, and with `pgood adapters check`.

    findings = await check_adapter("adapters.plug0", make, world)
    assert not [finding for finding in findings if not finding.good]

`make` makes a new adapter each time. `world` is the machine behind it, real or simulated; without one only what needs
no command is checked, so that nothing is switched.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.hardware.adapters.interface import (
    LEVEL_ABILITIES,
    Ability,
    AdapterError,
    Level,
    Precondition,
    PreconditionFailed,
    Sense,
)
from agent.hardware.adapters.supervised import SLACK_S
from agent.loop_watch import LoopWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from agent.hardware.adapters.interface import PowerAdapter

LOOP_STALL_S = 0.25
"""An adapter that keeps the event loop longer than this holds up everything else on the board."""
QUIET_S = 0.3
"""So long nothing may happen where nothing may happen."""
WANTED = {Ability.ON: Level.ON, Ability.OFF: Level.OFF, Ability.SOFT_OFF: Level.OFF}
FROM = {Ability.ON: Level.OFF}
"""The level that a command starts from; ON, unless named here."""


class World(Protocol):
    """The machine behind the adapter, as a test moves and looks at it."""

    async def become(self, level: Level) -> None:
        """Bring the machine to ON or OFF by other means than the adapter; returns when it is."""
        ...

    async def level(self) -> Level:
        """The truth."""
        ...

    async def commands(self) -> int:
        """How many commands have reached the machine; inquiries do not count."""
        ...

    async def cut(self) -> bool:
        """Break the way to the machine (unplug the network, stop the broker); False where there is nothing to break."""
        ...

    async def mend(self) -> None:
        """Undo `cut`."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, whether it is kept, and what was seen."""

    name: str
    good: bool
    text: str = ""


@dataclass
class _Trial:
    """One adapter while it is being tried."""

    adapter: PowerAdapter
    heard: list[Sense] = field(default_factory=list)

    @property
    def sense(self) -> Sense:
        return self.heard[-1] if self.heard else Sense(Level.UNKNOWN, "nothing was told")

    async def until(self, level: Level, within_s: float) -> bool:
        deadline_s = time.monotonic() + within_s
        while self.sense.level is not level:
            if time.monotonic() > deadline_s:
                return False
            await asyncio.sleep(0.01)
        return True

    def precondition(self, level: Level) -> Precondition:
        own = Ability.SENSE in self.adapter.abilities
        return Precondition(level, still=lambda: not own or self.sense.level is level, own=own)


async def check_adapter(
    place: str,
    make: Callable[[], PowerAdapter],
    world: World | None = None,
    *,
    timeout_s: float = 5.0,
    patience_s: float = 20.0,
) -> list[Finding]:
    """Every check in turn. `place` is what errors begin with, such as `adapters.plug0`.

    `timeout_s` is that of the adapter's options, `patience_s` how long a sense may take.
    """
    async with LoopWatch() as watch:
        checks = _Checks(place, make, world, timeout_s + SLACK_S, patience_s)
        findings = [finding async for finding in checks.run()]
    text = f"longest stall {watch.worst_s * 1000:.0f} ms"
    findings.append(Finding("never blocks the loop", watch.worst_s < LOOP_STALL_S, text))
    return findings


class _Checks:
    def __init__(
        self, place: str, make: Callable[[], PowerAdapter], world: World | None, deadline_s: float, patience_s: float
    ) -> None:
        self._place = place
        self._make = make
        self._world = world
        self._deadline_s = deadline_s
        self._patience_s = patience_s

    async def run(self) -> AsyncIterator[Finding]:
        before = asyncio.all_tasks()
        trial = _Trial(self._make())
        yield self._abilities(trial.adapter)
        yield await self._ends("start", trial.adapter.start(trial.heard.append))
        if Ability.SENSE in trial.adapter.abilities:
            yield await self._first_sense(trial)
        if self._world is not None:
            async for finding in self._with_world(trial, self._world):
                yield finding
        yield await self._refuses_what_it_cannot(trial)
        async for finding in self._closing(trial):
            yield finding
        left = {task.get_name() for task in asyncio.all_tasks() - before if not task.done()}
        yield Finding("leaves no tasks behind", not left, ", ".join(sorted(left)))

    # ------------------------------------------------------------------ without a world

    def _abilities(self, adapter: PowerAdapter) -> Finding:
        abilities = adapter.abilities
        good = isinstance(abilities, frozenset) and bool(abilities) and all(isinstance(a, Ability) for a in abilities)
        if good and adapter.reports and Ability.SENSE not in abilities:
            return Finding("abilities are stated", False, "it reports, and has no sense to prove anything with")
        listed = ", ".join(sorted(a.value for a in abilities)) if good else "there are none"
        return Finding("abilities are stated", good, listed)

    async def _first_sense(self, trial: _Trial) -> Finding:
        name = "tells its sense"
        if self._world is None:
            deadline_s = time.monotonic() + self._patience_s
            while trial.sense.level is Level.UNKNOWN and time.monotonic() < deadline_s:
                await asyncio.sleep(0.01)
            text = f"{trial.sense.level.value} {trial.sense.reason}".strip()
            return Finding(name, trial.sense.level is not Level.UNKNOWN, text)
        truth = await self._world.level()
        good = await trial.until(truth, self._patience_s)
        return Finding(name, good, f"told {trial.sense.level.value}, the truth is {truth.value}")

    async def _refuses_what_it_cannot(self, trial: _Trial) -> Finding:
        lacking = [a for a in Ability if a not in trial.adapter.abilities or a is Ability.SENSE]
        for ability in lacking:
            # One that does not look at the ability must not switch anything here either.
            never = Precondition(trial.sense.level, still=lambda: False, own=False)
            error = await self._error(trial.adapter.act(ability, never))
            if not isinstance(error, AdapterError):
                return Finding("refuses what it cannot", False, f"{ability.value}: {error or 'no error'}")
        return Finding("refuses what it cannot", True)

    async def _closing(self, trial: _Trial) -> AsyncIterator[Finding]:
        commands = await self._world.commands() if self._world else 0
        truth = await self._world.level() if self._world else Level.UNKNOWN
        yield await self._ends("close", trial.adapter.close())
        yield await self._ends("close again", trial.adapter.close())
        heard = len(trial.heard)
        await asyncio.sleep(QUIET_S)
        yield Finding("is silent after close", len(trial.heard) == heard)
        if self._world is not None:
            same = (await self._world.commands(), await self._world.level()) == (commands, truth)
            yield Finding("close moves nothing", same, f"{await self._world.commands() - commands} commands")

    # ------------------------------------------------------------------ with a world

    async def _with_world(self, trial: _Trial, world: World) -> AsyncIterator[Finding]:
        can = trial.adapter.abilities
        for ability in (Ability.ON, Ability.SOFT_OFF, Ability.OFF, Ability.RESET, Ability.NMI):
            if ability in can:
                yield await self._not_on_another_level(trial, world, ability)
                yield await self._not_when_it_changed(trial, world, ability)
                yield await self._does(trial, world, ability)
        if Ability.SENSE in can:
            yield await self._follows(trial, world)
        if await world.cut():
            if Ability.SENSE in can:
                gone = await trial.until(Level.UNKNOWN, self._patience_s)
                yield Finding("unknown when cut off", gone and bool(trial.sense.reason), trial.sense.reason)
            yield await self._fails_when_cut(trial, world)
            await world.mend()
            if Ability.SENSE in can:
                truth = await world.level()
                back = await trial.until(truth, self._patience_s)
                yield Finding("comes back by itself", back, trial.sense.reason)

    async def _begin(self, trial: _Trial, world: World, level: Level) -> bool:
        await world.become(level)
        return Ability.SENSE not in trial.adapter.abilities or await trial.until(level, self._patience_s)

    async def _not_on_another_level(self, trial: _Trial, world: World, ability: Ability) -> Finding:
        """The decision was made for another level than the adapter sees when it looks."""
        name = f"{ability.value}: nothing is sent on another level"
        start = FROM.get(ability, Level.ON)
        if Ability.SENSE not in trial.adapter.abilities:
            return Finding(name, True, "it has no sense of its own")
        await self._begin(trial, world, start)
        other = Level.OFF if start is Level.ON else Level.ON
        return await self._sends_nothing(name, trial, world, ability, Precondition(other))

    async def _not_when_it_changed(self, trial: _Trial, world: World, ability: Ability) -> Finding:
        """The host's sense changed between the decision and the command."""
        name = f"{ability.value}: nothing is sent when the state has changed"
        start = FROM.get(ability, Level.ON)
        await self._begin(trial, world, start)
        changed = Precondition(start, still=lambda: False, own=False)
        return await self._sends_nothing(name, trial, world, ability, changed)

    async def _sends_nothing(
        self, name: str, trial: _Trial, world: World, ability: Ability, when: Precondition
    ) -> Finding:
        before = await world.commands()
        error = await self._error(trial.adapter.act(ability, when))
        await asyncio.sleep(QUIET_S)
        sent = await world.commands() - before
        good = isinstance(error, PreconditionFailed) and sent == 0
        return Finding(name, good, f"{sent} commands; {type(error).__name__}: {error}")

    async def _does(self, trial: _Trial, world: World, ability: Ability) -> Finding:
        start = FROM.get(ability, Level.ON)
        if not await self._begin(trial, world, start):
            return Finding(f"{ability.value}: is done", False, f"the sense never became {start.value}")
        before = await world.commands()
        error = await self._error(trial.adapter.act(ability, trial.precondition(start)))
        if error is not None:
            return Finding(f"{ability.value}: is done", False, str(error))
        wanted = WANTED.get(ability, Level.ON)
        deadline_s = time.monotonic() + self._patience_s
        while await world.level() is not wanted and time.monotonic() < deadline_s:
            await asyncio.sleep(0.02)
        truth, sent = await world.level(), await world.commands() - before
        told = Ability.SENSE not in trial.adapter.abilities or await trial.until(wanted, self._patience_s)
        # What only says how it shall be may be said more than once; a press may not.
        once = sent >= 1 if ability in LEVEL_ABILITIES else sent == 1
        text = f"{sent} commands, the machine is {truth.value}, told {trial.sense.level.value}"
        return Finding(f"{ability.value}: is done", truth is wanted and told and once, text)

    async def _follows(self, trial: _Trial, world: World) -> Finding:
        for level in (Level.ON, Level.OFF):
            await world.become(level)
            if not await trial.until(level, self._patience_s):
                return Finding("follows the machine", False, f"it is {level.value}, told {trial.sense.level.value}")
        return Finding("follows the machine", True)

    async def _fails_when_cut(self, trial: _Trial, world: World) -> Finding:
        """An error within the deadline, and the command does not come late, when the way is mended."""
        name = "a command fails when cut off"
        ability = next((a for a in (Ability.ON, Ability.RESET, Ability.OFF) if a in trial.adapter.abilities), None)
        if ability is None:
            return Finding(name, True, "it has no command")
        before = await world.commands()
        start = FROM.get(ability, Level.ON)
        error = await self._error(trial.adapter.act(ability, Precondition(start, own=False)))
        sent = await world.commands() - before
        said = self._place in str(error)
        text = f"{sent} commands; {type(error).__name__}: {error}"
        return Finding(name, isinstance(error, AdapterError) and said and sent == 0, text)

    # ------------------------------------------------------------------ calls with an end

    async def _ends(self, what: str, call: Awaitable[None]) -> Finding:
        error = await self._error(call)
        return Finding(f"{what} ends in time", error is None, "" if error is None else str(error))

    async def _error(self, call: Awaitable[None]) -> BaseException | None:
        """What a call raised; a TimeoutError if it overran its deadline."""
        try:
            async with asyncio.timeout(self._deadline_s):
                await call
        except TimeoutError:
            return TimeoutError(f"no end within {self._deadline_s:g} s")
        except Exception as error:  # noqa: BLE001  (whatever a foreign adapter raises is the finding)
            return error
        return None
