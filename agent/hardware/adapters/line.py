# SPDX-License-Identifier: Apache-2.0
"""Adapter `line`: a maintained output as on/off switch (a relay, a rail, PSON#), with an input that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.adapters.gpio import LEVELS, STEADY, check_outcome
from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions, Level, Sense
from native import Condition, LineError, Steady

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.engine_lines import EngineLines
    from agent.hardware.adapters.interface import Fault, Precondition, Surroundings
    from agent.profile.schema import Profile


class LineOptions(AdapterOptions, frozen=True, kw_only=True):
    """Names of lines of the profile."""

    switch: str
    """A maintained output; active = on."""
    power_good: str = ""
    """An input that is active while the switched thing has power; without one there is no sense."""


def abilities(options: LineOptions) -> frozenset[Ability]:
    """What the output is driven to is not what the machine does: without an input nothing is sensed."""
    switched = frozenset({Ability.ON, Ability.OFF})
    return switched | {Ability.SENSE} if options.power_good else switched


def faults(options: LineOptions, profile: Profile) -> Iterator[Fault]:
    wanted = {"switch": (options.switch, ("output", "maintained")), "power_good": (options.power_good, ("input", None))}
    for key, (name, kind) in wanted.items():
        line = profile.lines.get(name)
        if name and line is None:
            yield key, f"names no table of [lines] (here: {name!r})"
        elif line is not None and (line.direction, line.class_) != kind:
            yield (
                key,
                'must be an output line with class = "maintained"' if key == "switch" else "must be an input line",
            )


class LineAdapter:
    """Implements PowerAdapter."""

    def __init__(self, options: LineOptions, around: Surroundings) -> None:
        self.abilities = abilities(options)
        self.reports = bool(options.power_good)
        self._options = options
        self._around = around
        self._unwatch: Callable[[], None] = lambda: None

    async def start(self, tell: Callable[[Sense], None]) -> None:
        if self._options.power_good:
            lines = self._lines()
            self._unwatch()
            self._unwatch = lines.watch(self._options.power_good, lambda steady: tell(LEVELS[steady]))
            if (steady := lines.steady(self._options.power_good)) is not Steady.UNKNOWN:
                tell(LEVELS[steady])

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability not in (Ability.ON, Ability.OFF):
            raise self._around.error(f"cannot do {ability.value!r}: a line has two levels")
        when.confirm()
        try:
            switch, active = self._options.switch, ability is Ability.ON
            done = await self._lines().set(switch, active, self._condition(when))
        except LineError as error:
            raise self._around.error(str(error)) from error
        check_outcome(done, self._around)

    async def close(self) -> None:
        """The line keeps its level."""
        self._unwatch()

    def _condition(self, when: Precondition) -> Condition | None:
        """The engine looks again in the instant of the edge."""
        if not (when.own and self._options.power_good) or when.level is Level.UNKNOWN:
            return None
        return Condition(self._options.power_good, stable_ms=float(when.stable_ms), steady=STEADY[when.level])

    def _lines(self) -> EngineLines:
        if self._around.lines is None:
            raise self._around.error("this board has no lines")
        return self._around.lines


KIND = AdapterKind(
    "a relay or rail on a maintained line of the profile",
    LineOptions,
    abilities,
    LineAdapter,
    faults,
    frozenset({Ability.ON, Ability.OFF, Ability.SENSE}),
    ("switch",),
)
