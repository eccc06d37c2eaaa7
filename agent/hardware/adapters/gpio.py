# SPDX-License-Identifier: Apache-2.0
"""Adapter `gpio`: a machine's front-panel buttons, pressed by the line engine, and its power-good input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.hardware.adapters.interface import Ability, AdapterKind, AdapterOptions
from agent.hardware.adapters.power_good import PowerGood, check_outcome, engine_lines
from native import Condition, LineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.hardware.adapters.interface import Fault, Precondition, Sense, Surroundings
    from agent.profile.schema import HostTable, Profile

PressMs = Annotated[int, msgspec.Meta(ge=1, le=1000)]
HoldMs = Annotated[int, msgspec.Meta(ge=1, le=15_000)]


class GpioOptions(AdapterOptions, frozen=True, kw_only=True):
    """Names of lines of the profile, and the times of presses in milliseconds."""

    timeout_s: Annotated[float, msgspec.Meta(ge=0.1, le=120)] = 20.0
    power_good: str = ""
    power_button: str = ""
    reset_button: str = ""
    nmi_button: str = ""
    power_press_ms: PressMs = 200
    reset_press_ms: PressMs = 500
    nmi_press_ms: PressMs = 200
    force_off_ms: HoldMs = 15_000


def host_options(table: HostTable) -> GpioOptions:
    """The lines of a host, as the adapter that its controls name `gpio`."""
    timing = table.timing
    return GpioOptions(
        power_good=table.power_good,
        power_button=table.power_button,
        reset_button=table.reset_button,
        nmi_button=table.nmi_button,
        power_press_ms=timing.power_press_ms,
        reset_press_ms=timing.reset_press_ms,
        nmi_press_ms=timing.nmi_press_ms,
        force_off_ms=timing.force_off_ms,
    )


def abilities(options: GpioOptions) -> frozenset[Ability]:
    """The power button is of use only where power-good can be looked at in the instant of the press."""
    found = {
        Ability.SENSE: options.power_good,
        Ability.ON: options.power_button and options.power_good,
        Ability.OFF: options.power_button and options.power_good,
        Ability.SOFT_OFF: options.power_button and options.power_good,
        Ability.RESET: options.reset_button,
        Ability.NMI: options.nmi_button,
    }
    return frozenset(ability for ability, line in found.items() if line)


def faults(options: GpioOptions, profile: Profile) -> Iterator[Fault]:
    for key in ("power_good", "power_button", "reset_button", "nmi_button"):
        name = getattr(options, key)
        line = profile.lines.get(name)
        wanted = ("input", None) if key == "power_good" else ("output", "momentary")
        if name and line is None:
            yield key, f"names no table of [lines] (here: {name!r})"
        elif line is not None and (line.direction, line.class_) != wanted:
            what = "an input line" if key == "power_good" else 'an output line with class = "momentary"'
            yield key, f"must be {what}"
    button = profile.lines.get(options.power_button)
    if button is not None and (button.max_press_ms or options.force_off_ms) < options.force_off_ms:
        yield "force_off_ms", f"is longer than max_press_ms of line {options.power_button!r}"


class GpioAdapter:
    """Implements PowerAdapter. A press is looked at by the engine in its instant, and never repeated."""

    reports = False

    def __init__(self, options: GpioOptions, around: Surroundings) -> None:
        self.abilities = abilities(options)
        self._options = options
        self._around = around
        self._power_good = PowerGood(options.power_good, around)

    async def start(self, tell: Callable[[Sense], None]) -> None:
        self._power_good.start(tell)

    async def act(self, ability: Ability, when: Precondition) -> None:
        options, condition = self._options, self._power_good.condition(when)
        when.confirm()
        try:
            lines = engine_lines(self._around)
            match ability:
                case Ability.ON | Ability.SOFT_OFF:
                    done = await lines.pulse(options.power_button, float(options.power_press_ms), condition)
                case Ability.OFF:
                    off = Condition(options.power_good, active=False)
                    hold_ms = float(options.force_off_ms)
                    done = await lines.hold_until(options.power_button, off, hold_ms, condition)
                case Ability.RESET:
                    done = await lines.pulse(options.reset_button, float(options.reset_press_ms), condition)
                case Ability.NMI:
                    done = await lines.pulse(options.nmi_button, float(options.nmi_press_ms), condition)
                case Ability.SENSE:
                    raise self._around.error("'sense' is no command")
        except LineError as error:
            raise self._around.error(str(error)) from error
        check_outcome(done, self._around)

    async def close(self) -> None:
        self._power_good.close()


KIND = AdapterKind(
    "front-panel buttons and power-good on lines of the profile",
    GpioOptions,
    abilities,
    GpioAdapter,
    faults,
    drives=("power_button", "reset_button", "nmi_button"),
)
