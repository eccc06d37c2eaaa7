# SPDX-License-Identifier: Apache-2.0
"""The parts of the energy service, from the site file's table: actuator, meters, battery, tuning, work."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.board.energy.battery import soft_off
from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.held import Held
from agent.energy.actuators.registry import KINDS, ActuatorError, Around
from agent.energy.battery_watch import BatteryWatch
from agent.energy.cap_writer import CapWriter
from agent.energy.frequency.tuner import Tuner
from agent.energy.loop_call import LoopCall
from agent.energy.meter_tables import MeterGround, make_meters
from agent.energy.meters.load_model import Utilisation
from agent.energy.meters.meter_set import MeterSet
from agent.energy.restore_file import RestoreFile
from agent.energy.rivals import rivals, told
from agent.energy.sysfs import Sysfs
from agent.energy.throttle_watch import ThrottleWatch
from agent.energy.tuning import Tuning
from agent.energy.work_hours import CommandCount, CpuSeconds
from agent.hardware.port_thread import PortThread
from agent.profile.decode import convert
from agent.profile.problem import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.board.options import Options
    from agent.board.services import Services
    from agent.energy.actuators.interface import CapActuator
    from agent.energy.actuators.registry import ActuatorKind
    from agent.energy.actuators.registry import Options as ActuatorOptions
    from agent.energy.battery_tables import BatteryTable
    from agent.energy.tables import EnergyTable
    from agent.energy.work_hours import WorkSource
    from agent.hardware.hwmon import HwmonPort

RESTORE_FILE = "energy-restore.json"
REAL_SYSFS = "/sys"
STUCK = "is held up by a device that does not answer"
NOT_OURS = "a simulated board does not cap the computer that it runs on: give another energy.sysfs"


@dataclass(frozen=True, slots=True)
class CapParts:
    """The actuator and what else uses its thread."""

    name: str
    writer: CapWriter
    tuning: Tuning | None


class EnergyParts:
    """Makes them; opens no device. What is wrong with the table is ConfigError."""

    def __init__(self, options: Options, table: EnergyTable, services: Services) -> None:
        self._options = options
        self._table = table
        self._services = services
        self._sysfs, self._proc = Sysfs(Path(table.sysfs)), Sysfs(Path(table.proc))

    def cap(self) -> CapParts:
        """Raises ConfigError."""
        kind, options = self._actuator_kind()
        actuator = self._actuator(kind, options)
        file = RestoreFile(self._options.state_dir / RESTORE_FILE)
        held = Held(actuator, file, outlives_boot=kind.outlives_boot)
        root = Sysfs(self._proc.root.parent)
        writer = CapWriter(
            PortThread("energy-cap", held, f"the actuator {actuator.name} {STUCK}"),
            (lambda: _who(root, actuator.name)) if kind.here else lambda: "",
            self._table.apply_s,
        )
        return CapParts(actuator.name, writer, self._tuning(actuator, held))

    def meters(self, hwmon: HwmonPort) -> PortThread[MeterSet]:
        ground = MeterGround(self._sysfs, self._proc, self._services.power_meter.present_w, hwmon)
        return PortThread("energy-meters", MeterSet(make_meters(self._table.meters, ground)), f"a meter {STUCK}")

    def work(self) -> PortThread[WorkSource]:
        return PortThread("energy-work", self.work_source(), f"the counter of work {STUCK}")

    def work_source(self) -> WorkSource:
        table = self._table
        return CommandCount(table.work_command, table.work_unit) if table.work_command else CpuSeconds(self._proc)

    def throttling(self, changed: Callable[[], None]) -> ThrottleWatch | None:
        """Of the computer that pgood runs on, if that is the machine."""
        if self._options.site.self_ is None:
            return None
        sysfs = PortThread("energy-throttling", self._sysfs, f"the firmware {STUCK}")
        return ThrottleWatch(sysfs, self._services.bus.emit, changed)

    def battery(self) -> BatteryWatch | None:
        """Raises ConfigError."""
        table, services = self._table.battery, self._services
        if table is None:
            return None
        hosts = self._hosts_on(table)
        source = PortThread("energy-battery", table.source(self._sysfs), f"the battery {STUCK}")
        return BatteryWatch(
            source, table.options, lambda: soft_off(services, hosts), services.bus.emit, time.monotonic_ns
        )

    def _hosts_on(self, table: BatteryTable) -> tuple[str, ...]:
        known = tuple(self._services.hosts)
        for name in table.hosts or ():
            if name not in known:
                why = f"names no host (here: {name!r}; the profile has: {', '.join(known) or 'none'})"
                raise self._wrong(("battery", "hosts"), why)
        return known if table.hosts is None else table.hosts

    def _actuator_kind(self) -> tuple[ActuatorKind, ActuatorOptions]:
        given = dict(self._table.actuator)
        name = str(given.pop("kind", ""))
        kind = KINDS.get(name)
        if kind is None:
            why = f"no such actuator (here: {name!r}; there are: {', '.join(KINDS)})"
            raise self._wrong(("actuator", "kind"), why)
        options, problems = convert(given, kind.options, "docs/energy-actuators.md")
        if options is None:
            raise self._refused([Problem(("energy", "actuator", *one.path), one.text) for one in problems])
        if kind.here and self._options.site.self_ is None:
            why = f"{name} caps the computer that pgood runs on: add a table [self] if that is the machine to be capped"
            raise self._wrong(("actuator", "kind"), why)
        if kind.here and self._options.profile.board.simulated and self._table.sysfs == REAL_SYSFS:
            raise self._wrong(("actuator", "kind"), NOT_OURS)
        return kind, options

    def _actuator(self, kind: ActuatorKind, options: ActuatorOptions) -> CapActuator:
        services = self._services
        supplies = services.redundancy.power_limit if self._options.profile.supplies else None
        try:
            return kind.make(options, Around(self._sysfs, LoopCall(), supplies, services.adapters.remote_power_limit))
        except ActuatorError as error:
            raise self._wrong(("actuator",), str(error)) from error

    def _tuning(self, actuator: CapActuator, held: Held) -> Tuning | None:
        if not self._table.tuning:
            return None
        if not isinstance(actuator, Cpufreq):
            raise self._wrong(("tuning",), f"{actuator.name} tunes nothing: it needs the actuator cpufreq")
        return Tuning(Tuner(actuator, held), Utilisation(self._proc))

    def _wrong(self, path: tuple[str | int, ...], text: str) -> ConfigError:
        return self._refused([Problem(("energy", *path), text)])

    def _refused(self, problems: list[Problem]) -> ConfigError:
        file = self._options.site_file
        assert file is not None  # [energy] came from there
        return ConfigError(file, problems, file.read_text(encoding="utf-8"))


def _who(root: Sysfs, actuator: str) -> str:
    found = rivals(root, actuator)
    return told(found, actuator) if found else ""
