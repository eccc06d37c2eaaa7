# SPDX-License-Identifier: Apache-2.0
"""The energy controller of a board: made where the site file has `[energy]`, imported nowhere else."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.board.energy_battery import soft_off
from agent.board.energy_documents import energy_document, energy_problems, energy_readings
from agent.board.energy_heat import zone_now
from agent.board.energy_node import node_facts
from agent.board.energy_requests import EnergyRequests
from agent.board.planning_requests import PlanningRequests
from agent.board.what_if_requests import WhatIfRequests
from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.held import Held
from agent.energy.actuators.registry import KINDS, ActuatorError, Around
from agent.energy.battery import BatteryState
from agent.energy.battery_watch import BatteryWatch
from agent.energy.cap_writer import CapWriter
from agent.energy.controller import EnergyController
from agent.energy.cron import parse_cron
from agent.energy.energy_counters import EnergyCounters
from agent.energy.feeds import make_feeds
from agent.energy.frequency.tuner import Tuner
from agent.energy.heat import Heat
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.loop_call import LoopCall
from agent.energy.meter_tables import MeterGround, make_meters
from agent.energy.meters.load_model import Utilisation
from agent.energy.meters.meter_set import MeterSet
from agent.energy.planning import Planning
from agent.energy.policy_tables import ThermalTable
from agent.energy.restore_file import RestoreFile
from agent.energy.rivals import rivals, told
from agent.energy.surroundings import Surroundings
from agent.energy.sysfs import Sysfs
from agent.energy.timed_refresh import TimedRefresh
from agent.energy.tuning import Tuning
from agent.hardware.port_thread import PortThread
from agent.mqtt.inventory import EnergyItem
from agent.profile.decode import convert
from agent.profile.problem import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.board.energy_documents import Document
    from agent.board.options import Options
    from agent.board.services import Services
    from agent.energy.actuators.interface import CapActuator
    from agent.energy.actuators.registry import ActuatorKind
    from agent.energy.actuators.registry import Options as ActuatorOptions
    from agent.energy.battery_tables import BatteryTable
    from agent.energy.heat import ZoneNow
    from agent.energy.tables import EnergyTable
    from agent.hardware.hwmon import HwmonPort
    from agent.requests.endpoint import Endpoint

log = logging.getLogger(__name__)

RESTORE_FILE = "energy-restore.json"
NOT_ARMED = "the board is not armed: it is shown what would be in force (pgood arm)"
NOT_OURS = "a simulated board does not cap the computer that it runs on: give another energy.sysfs"
STUCK = "is held up by a device that does not answer"
REAL_SYSFS = "/sys"


class BoardEnergy:
    """Used on the loop's thread."""

    def __init__(self, options: Options, table: EnergyTable, services: Services, hwmon: HwmonPort) -> None:
        """Opens no device. Raises ConfigError."""
        self.zone = table.zone
        self._options = options
        self._table = table
        self._services = services
        self._document: Document = {}
        sysfs, root = Sysfs(Path(table.sysfs)), Sysfs(Path(table.proc).parent)
        kind, chosen = actuator_kind(options, table)
        actuator = self._actuator(kind, chosen, sysfs)
        held = Held(actuator, RestoreFile(options.state_dir / RESTORE_FILE), outlives_boot=kind.outlives_boot)
        ground = MeterGround(sysfs, Sysfs(Path(table.proc)), services.power_meter.present_w, hwmon)
        zone = ZoneInfo(table.zone)
        thermal = [policy for policy in table.policies if isinstance(policy, ThermalTable)]
        self.heat = Heat(thermal, lambda name: zone_now(services, name))
        self.battery = self._battery(table.battery, sysfs) if table.battery else None
        self._tasks: list[asyncio.Task[None]] = []
        self._node = NodePublisher(table.kubernetes) if table.kubernetes else None
        self.controller = EnergyController(
            table,
            make_feeds(table.signals, options.state_dir, time.time),
            [policy.make() for policy in table.policies],
            PortThread("energy-meters", MeterSet(make_meters(table.meters, ground)), f"a meter {STUCK}"),
            CapWriter(
                PortThread("energy-cap", held, f"the actuator {actuator.name} {STUCK}"),
                (lambda: _who(root, actuator.name)) if kind.here else lambda: "",
                table.apply_s,
            ),
            actuator.name,
            EnergyCounters(services.settings, zone),
            Surroundings(
                now_s=time.time,
                now_ns=time.monotonic_ns,
                emit=services.bus.emit,
                changed=self._changed,
                may_act=self._may_act,
                spare_w=services.capacity.spare_w,
                battery=lambda: self.battery.state if self.battery else BatteryState(),
                heat=lambda measured: self.heat.look(measured, time.monotonic_ns()),
            ),
            self._tuning(actuator, held, Sysfs(Path(table.proc))),
        )

        self.planning = Planning(self.controller, table.zone)

    def start(self) -> None:
        self.controller.start()
        if self._node:
            self._tasks.append(asyncio.create_task(self._node.run(), name="kubernetes"))
        if self.battery:
            self._tasks.append(asyncio.create_task(self.battery.run(), name="energy-battery"))
        if self._table.refresh_cron:
            feeds = self.controller.feeds.values()
            timed = TimedRefresh(parse_cron(self._table.refresh_cron), self.zone, feeds, time.time)
            self._tasks.append(asyncio.create_task(timed.run(), name="energy-refresh"))

    async def close(self) -> None:
        """Give everything back as it was found."""
        try:
            await self.controller.close()
        except Exception:  # the rest of the board is still to be closed
            log.exception("energy")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self.battery:
            self.battery.close()

    def document(self) -> Document:
        """What MQTT retains at `energy/state`."""
        return energy_document(self.controller)

    def item(self) -> EnergyItem:
        """For whoever describes the board."""
        feeds = self.controller.feeds.items()
        return EnergyItem(tuple((name, feed.source.unit.value) for name, feed in feeds))

    def readings(self) -> Document:
        """What telemetry has."""
        return energy_readings(self.controller)

    def endpoints(self) -> dict[str, Endpoint]:
        """The methods that there are besides a board's."""
        return {**EnergyRequests(self).table(), **PlanningRequests(self).table(), **WhatIfRequests(self).table()}

    def zone_now(self, zone: str) -> ZoneNow:
        """A thermal zone as it reads now."""
        return zone_now(self._services, zone)

    def problems(self) -> Iterator[tuple[str, str]]:
        return energy_problems(self.controller)

    def _changed(self) -> None:
        """Looked at every few seconds; told only when its document says something else."""
        facts = node_facts(self.controller, self.zone) if self._node else None
        if self._node and facts:
            self._node.publish(facts)
        document = self.document()
        if document != self._document:
            self._document = document
            self._services.tell("energy")

    def _may_act(self) -> str:
        return "" if self._services.lines.armed else NOT_ARMED

    def _battery(self, table: BatteryTable, sysfs: Sysfs) -> BatteryWatch:
        """Raises ConfigError."""
        known = tuple(self._services.hosts)
        hosts = known if table.hosts is None else table.hosts
        for name in hosts:
            if name not in known:
                why = f"names no host (here: {name!r}; the profile has: {', '.join(known) or 'none'})"
                raise _wrong(self._options, ("battery", "hosts"), why)
        source = PortThread("energy-battery", table.source(sysfs), f"the battery {STUCK}")
        services = self._services
        return BatteryWatch(
            source, table.options, lambda: soft_off(services, hosts), services.bus.emit, time.monotonic_ns
        )

    def _tuning(self, actuator: CapActuator, held: Held, proc: Sysfs) -> Tuning | None:
        """Raises ConfigError."""
        if not self._table.tuning:
            return None
        if not isinstance(actuator, Cpufreq):
            raise _wrong(self._options, ("tuning",), f"{actuator.name} tunes nothing: it needs the actuator cpufreq")
        return Tuning(Tuner(actuator, held), Utilisation(proc))

    def _actuator(self, kind: ActuatorKind, chosen: ActuatorOptions, sysfs: Sysfs) -> CapActuator:
        services = self._services
        has_supplies = bool(self._options.profile.supplies)
        around = Around(
            sysfs,
            LoopCall(),
            services.redundancy.power_limit if has_supplies else None,
            services.adapters.remote_power_limit,
        )
        try:
            return kind.make(chosen, around)
        except ActuatorError as error:
            raise _wrong(self._options, ("actuator",), str(error)) from error


def actuator_kind(options: Options, table: EnergyTable) -> tuple[ActuatorKind, ActuatorOptions]:
    """The kind that the table names, with its options. Raises ConfigError."""
    name = str(table.actuator.get("kind", ""))
    kind = KINDS.get(name)
    if kind is None:
        raise _wrong(options, ("actuator", "kind"), f"no such actuator (here: {name!r}; there are: {', '.join(KINDS)})")
    given = {key: value for key, value in table.actuator.items() if key != "kind"}
    chosen, problems = convert(given, kind.options, "docs/energy-actuators.md")
    if chosen is None:
        raise _wrong_all(options, [Problem(("energy", "actuator", *one.path), one.text) for one in problems])
    if kind.here and options.site.self_ is None:
        why = f"{name} caps the computer that pgood runs on: add a table [self] if that is the machine to be capped"
        raise _wrong(options, ("actuator", "kind"), why)
    if kind.here and options.profile.board.simulated and table.sysfs == REAL_SYSFS:
        raise _wrong(options, ("actuator", "kind"), NOT_OURS)
    return kind, chosen


def _wrong(options: Options, path: tuple[str | int, ...], text: str) -> ConfigError:
    return _wrong_all(options, [Problem(("energy", *path), text)])


def _wrong_all(options: Options, problems: list[Problem]) -> ConfigError:
    assert options.site_file is not None  # [energy] came from there
    return ConfigError(options.site_file, problems, options.site_file.read_text(encoding="utf-8"))


def _who(root: Sysfs, actuator: str) -> str:
    found = rivals(root, actuator)
    return told(found, actuator) if found else ""
