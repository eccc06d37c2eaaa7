# SPDX-License-Identifier: Apache-2.0
"""Which kinds of actuator there are, with their options, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.dcmi import Dcmi
from agent.energy.actuators.none import NoActuator
from agent.energy.actuators.pmbus import Pmbus
from agent.energy.actuators.powercap import Powercap
from agent.energy.rapl import Domain
from agent.profile.base import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.actuators.interface import CapActuator
    from agent.energy.actuators.pmbus import SupplyLimit
    from agent.energy.loop_call import LoopCall
    from agent.energy.sysfs import Sysfs
    from agent.hardware.remote_power_limit import RemotePowerLimit


class ActuatorError(Exception):
    """An actuator cannot be made; one sentence that names the option and the cure."""


class NoOptions(Table, frozen=True, kw_only=True):
    """For kinds that need none."""


class PowercapOptions(Table, frozen=True, kw_only=True):
    cpu_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """The part of the machine's power that its processor packages draw; the cap of the machine times this is theirs."""
    domain: Literal["package", "psys"] = "package"


class CpufreqOptions(Table, frozen=True, kw_only=True):
    slowest_w: Annotated[float, msgspec.Meta(gt=0, le=100_000)]
    """What the machine draws under full load at its slowest frequency."""
    fastest_w: Annotated[float, msgspec.Meta(gt=0, le=100_000)]


class DcmiOptions(Table, frozen=True, kw_only=True):
    bmc: str
    """An adapter of kind `ipmi`."""


Options = NoOptions | PowercapOptions | CpufreqOptions | DcmiOptions


@dataclass(frozen=True, slots=True)
class Around:
    """What the board lends to an actuator."""

    sysfs: Sysfs
    ask: LoopCall
    supplies: SupplyLimit | None = None
    """None on a board without supplies."""
    remote: Callable[[str], RemotePowerLimit | None] = lambda name: None
    """By the name of an adapter: `AdapterSet.remote_power_limit`."""


@dataclass(frozen=True, slots=True)
class ActuatorKind:
    summary: str
    """One line for a person."""
    options: type[Options]
    make: Callable[[Any, Around], CapActuator]
    """Touches no device. Raises ActuatorError."""
    outlives_boot: bool = False
    """What it sets is still set after a reboot of this computer."""
    here: bool = True
    """It caps the computer that the agent runs on."""


def _powercap(options: PowercapOptions, around: Around) -> CapActuator:
    return Powercap(around.sysfs, options.cpu_share, Domain(options.domain))


def _cpufreq(options: CpufreqOptions, around: Around) -> CapActuator:
    try:
        return Cpufreq(around.sysfs, options.slowest_w, options.fastest_w)
    except ValueError as error:
        raise ActuatorError(f"cpufreq: {error}") from error


def _dcmi(options: DcmiOptions, around: Around) -> CapActuator:
    remote = around.remote(options.bmc)
    if remote is None:
        raise ActuatorError(f"dcmi: bmc = {options.bmc!r} names no adapter of kind 'ipmi' in [adapters]")
    return Dcmi(remote, around.ask)


def _pmbus(options: NoOptions, around: Around) -> CapActuator:
    if around.supplies is None:
        raise ActuatorError("pmbus: this board has no [[supplies]]")
    return Pmbus(around.supplies, around.ask)


KINDS = {
    "powercap": ActuatorKind("limits of processor packages (RAPL) of this computer", PowercapOptions, _powercap),
    "cpufreq": ActuatorKind("the highest frequency of this computer's processors", CpufreqOptions, _cpufreq),
    "dcmi": ActuatorKind("the power limit of a machine's own BMC", DcmiOptions, _dcmi, outlives_boot=True, here=False),
    "pmbus": ActuatorKind(
        "the limit of this board's supplies, which warn", NoOptions, _pmbus, outlives_boot=True, here=False
    ),
    "none": ActuatorKind(
        "nothing is capped: shows what would be", NoOptions, lambda options, around: NoActuator(), here=False
    ),
}
"""By the name that a site file gives."""
