# SPDX-License-Identifier: Apache-2.0
"""Adapter `command`: one external program per ability, such as a script of yours or the tool of a power strip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.hardware.adapters.argv import Argv, CommandFailed, CommandResult, run
from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions, Level, Sense
from agent.hardware.adapters.polled import PolledSense

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.interface import AdapterError, Fault, Precondition, Surroundings
    from agent.profile.schema import Profile

PollS = Annotated[float, msgspec.Meta(ge=0.1, le=3600)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
EXIT_LEVELS = {0: Level.ON, 1: Level.OFF}
"""What a sense command's exit code says; every other code is no answer."""


class CommandOptions(AdapterOptions, frozen=True, kw_only=True):
    """A program and its arguments for each ability; no shell reads them."""

    on: Argv = ()
    off: Argv = ()
    soft_off: Argv = ()
    reset: Argv = ()
    nmi: Argv = ()
    sense: Argv = ()
    """Exit code 0 = on, 1 = off; with words below, its output decides instead."""
    sense_on: Word | None = None
    """The output holds this word when the machine is on."""
    sense_off: Word | None = None
    poll_s: PollS = 5.0


def abilities(options: CommandOptions) -> frozenset[Ability]:
    return frozenset(ability for ability in Ability if getattr(options, ability.value))


def faults(options: CommandOptions, profile: Profile) -> Iterator[Fault]:
    if not abilities(options):
        yield "", "does nothing: give at least one of on, off, soft_off, reset, nmi, sense"
    if (options.sense_on is None) != (options.sense_off is None):
        missing = "sense_on" if options.sense_on is None else "sense_off"
        yield missing, "is missing: give both words, or none and let the exit code decide (0 = on, 1 = off)"
    if options.sense_on is not None and options.sense_on == options.sense_off:
        yield "sense_off", "is the same word as sense_on"
    if options.sense_on is not None and not options.sense:
        yield "sense", "is missing: sense_on and sense_off are words of its output"


class CommandAdapter:
    """Implements PowerAdapter."""

    def __init__(self, options: CommandOptions, around: Surroundings) -> None:
        self.abilities = abilities(options)
        self.reports = bool(options.sense)
        self._options = options
        self._around = around
        self._sense = PolledSense(around.place, self._look, options.poll_s)

    async def start(self, tell: Callable[[Sense], None]) -> None:
        if self._options.sense:
            self._sense.start(tell)

    async def act(self, ability: Ability, when: Precondition) -> None:
        argv: Argv = getattr(self._options, ability.value)
        if not argv or ability is Ability.SENSE:
            raise self._around.error(f"has no command for {ability.value!r}")
        when.confirm(await self._sense.now() if when.own and self._options.sense else None)
        result = await self._run(ability.value, argv)
        self._sense.hurry()
        if result.code != 0:
            raise self._failed(ability.value, result)

    async def close(self) -> None:
        await self._sense.close()

    async def _look(self) -> Sense:
        options = self._options
        result = await self._run("sense", options.sense)
        if options.sense_on is None or options.sense_off is None:
            level = EXIT_LEVELS.get(result.code)
            if level is None:
                raise self._failed("sense", result)
            return Sense(level)
        words = result.output.split()
        on, off = options.sense_on in words, options.sense_off in words
        if result.code != 0:
            raise self._failed("sense", result)
        if on == off:
            both = "both" if on else "neither"
            wanted = f"{options.sense_on!r} and {options.sense_off!r}"
            raise self._around.error(f"sense: the output has {both} of {wanted}: {result.output[:80]!r}")
        return Sense(Level.ON if on else Level.OFF)

    async def _run(self, key: str, argv: Argv) -> CommandResult:
        try:
            return await run(argv, self._options.timeout_s)
        except CommandFailed as error:
            raise self._around.error(f"{key}: {error}") from error

    def _failed(self, key: str, result: CommandResult) -> AdapterError:
        said = f": {result.first_error_line}" if result.first_error_line else ""
        return self._around.error(f"{key}: exit code {result.code}{said}")


KIND = AdapterKind("an external program for each ability", CommandOptions, abilities, CommandAdapter, faults)
