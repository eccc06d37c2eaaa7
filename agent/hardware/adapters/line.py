# SPDX-License-Identifier: Apache-2.0
"""Adapter `line`: a maintained output as on/off switch (a relay, a rail, PSON#), with an input that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions, Level
from agent.hardware.adapters.power_good import PowerGood, check_outcome, engine_lines
from native import LineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.interface import Fault, Precondition, Sense, Surroundings
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
        self._power_good = PowerGood(options.power_good, around)

    async def start(self, tell: Callable[[Sense], None]) -> None:
        self._power_good.start(tell)

    async def act(self, ability: Ability, when: Precondition) -> None:
        if ability not in (Ability.ON, Ability.OFF):
            raise self._around.error(f"cannot do {ability.value!r}: a line has two levels")
        looks = when.own and when.level is not Level.UNKNOWN
        condition = self._power_good.condition(when) if looks else None
        when.confirm()
        try:
            switch, active = self._options.switch, ability is Ability.ON
            done = await engine_lines(self._around).set(switch, active, condition)
        except LineError as error:
            raise self._around.error(str(error)) from error
        check_outcome(done, self._around)

    async def close(self) -> None:
        """The line keeps its level."""
        self._power_good.close()


KIND = AdapterKind(
    "a relay or rail on a maintained line of the profile",
    LineOptions,
    abilities,
    LineAdapter,
    faults,
    frozenset({Ability.ON, Ability.OFF, Ability.SENSE}),
    ("switch",),
)
