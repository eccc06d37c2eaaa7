# SPDX-License-Identifier: Apache-2.0
"""The services of one board, made from its profile over open lines and buses, and the paths between them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.board.host_timings import HostTimings
from agent.board.interlocks import Interlocks
from agent.board.line_dispatch import LineDispatch
from agent.board.panels import front_panels, panel_lines
from agent.board.power_wiring import PowerWiring
from agent.board.sequences import SequenceRunner
from agent.board.thermal_documents import zone_document
from agent.events.event import EventKind
from agent.limits.watch import LimitWatch
from agent.power.adapter_set import AdapterSet
from agent.power.host import Host
from agent.power.hours import PowerOnHours
from agent.power.identify import IdentifyLed
from agent.power.lines import EngineHostLines
from agent.power.metrics import OperationMetrics
from agent.power.policy_store import PolicyStore
from agent.power.restoration import Restoration
from agent.power.restore import RestorePolicy
from agent.psu.capacity import SupplyCapacity
from agent.psu.energy_meter import EnergyMeter
from agent.psu.mains import mains_by_supplies
from agent.psu.monitor import SupplyMonitor
from agent.psu.power_meter import PowerMeter
from agent.psu.redundancy import ColdRedundancy
from agent.thermal.cooling_gate import CoolingGate
from agent.thermal.fan_memory import FanMemory, boot_id
from agent.thermal.fans import Fans
from agent.thermal.gate import ThermalGate
from agent.thermal.monitor import SensorMonitor
from agent.thermal.sources import SourceMaker
from agent.thermal.zones import ThermalZones
from native import Steady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.board.energy.service import BoardEnergy
    from agent.board.fleet.service import BoardFleet
    from agent.board.lines import BoardLines
    from agent.events.bus import EventBus
    from agent.hardware.hwmon import HwmonChip, HwmonPort
    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.port_thread import PortThread
    from agent.power.manager import PowerManager
    from agent.power.operations import Operations
    from agent.power.request import Reply, Request
    from agent.profile.schema import HostTable, Profile
    from agent.profile.site import SitePolicy
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

HOURS_CHECK_S = 60.0


class Services:
    """Everything that watches and acts. Used on the loop's thread."""

    def __init__(
        self,
        profile: Profile,
        lines: BoardLines,
        buses: Mapping[str, I2cBus],
        settings: Settings,
        bus: EventBus,
        policy: SitePolicy,
        operations: Operations,
        audit: Callable[[Request, str, tuple[str, ...], Reply, str | None], None] = lambda *_: None,
        hwmon: Mapping[HwmonChip, PortThread[HwmonPort]] | None = None,
    ) -> None:
        """`audit(request, what, sources, reply, operation)` hears of every request and its outcome."""
        self.bus = bus
        self.lines = lines
        self.operations = operations
        self.operation_metrics = OperationMetrics()
        operations.when_ended(self.operation_metrics.operation_ended)
        self.settings = settings
        self.power_policies = PolicyStore(policy.power(), settings)
        self._watchers: list[Callable[[str], None]] = []
        self._loop = asyncio.get_running_loop()
        self.timings = HostTimings(profile, settings)
        self.adapters = AdapterSet(profile, lines.engine, buses, armed=lines.armed)
        self.hosts = {table.name: self._host(table) for table in profile.hosts}
        self.restore_policy = RestorePolicy(policy.restore, settings, lambda: self.tell("policies"))
        self.restore = Restoration(self.hosts, settings, policy, self.restore_policy, bus.emit, self._switch_on)
        self._mains_line = profile.mains.line
        self.hours = {name: PowerOnHours(settings, name) for name in self.hosts}
        self.identify_leds = {
            table.name: IdentifyLed(lines.engine, table.identify_led if lines.armed else "") for table in profile.hosts
        }
        self.supplies = SupplyMonitor(
            profile.supplies,
            buses,
            bus.emit,
            self._supplies_changed,
            present=self._present,
            bus_numbers={name: table.number for name, table in profile.buses.items()},
        )
        self.redundancy = ColdRedundancy(
            profile.redundancy, self.supplies, buses, settings, bus.emit, self._redundancy_changed
        )
        slots = {
            table.name: (table.bus, functools.partial(self.supplies.slots.__getitem__, index))
            for index, table in enumerate(profile.supplies)
        }
        maker = SourceMaker(buses, hwmon or {}, slots, self.adapters.remote_sensors)
        sources = {table.name: maker.source(table) for table in profile.sensors}
        self.sensors = SensorMonitor(profile.sensors, sources, bus.emit, self._sensors_polled)
        self.zones = ThermalZones(
            profile.zones,
            {name: source.shared for name, source in sources.items()},
            [host.source for host in self.hosts.values()],
            lambda: self.power.emergencies,
            bus.emit,
            self._zone_changed,
        )
        self.fans = Fans(
            profile.fans,
            hwmon or {},
            self.zones.all,
            FanMemory(settings, boot_id()),
            lines.armed,
            lambda host: self.hosts[host].view().powered,
            bus.emit,
            self._zone_changed,
        )
        self.energy: BoardEnergy | None = None
        """Set by the board where the site file has `[energy]`."""
        self.fleet: BoardFleet | None = None
        """Likewise, with `[fleet]`."""
        self._zone_documents: dict[str, dict[str, object]] = {}
        self.gates = (ThermalGate(self.zones), CoolingGate(self.zones, self.fans))
        buttons = {table.name: table.power_button for table in profile.hosts}
        self.interlocks = Interlocks(lines.engine, profile.interlocks, lines.armed, buttons, lines.fired)
        self.sequences = SequenceRunner(lines.engine, profile.sequences, lines.armed)
        self.limits = LimitWatch(profile.sensors, lambda name: self.sensors.reading(name).value, settings, bus.emit)
        self.power_meter = PowerMeter(self.supplies)
        self.energy_meter = EnergyMeter(lambda: self.supplies.slots, self.power_meter.present_w, settings)
        self.capacity = SupplyCapacity(lambda: self.supplies.slots, self.supplies.rated_w)
        self.power = PowerWiring(
            profile,
            lines,
            self.hosts,
            self.power_policies,
            (self.capacity, *self.gates),
            self.capacity,
            operations,
            bus.emit,
            audit,
            self.tell,
            self.adapters.by_name,
        )
        self.panels = front_panels(profile, self.hosts, self.power.manager, settings, bus.emit)
        self._dispatch = LineDispatch(profile, self, panel_lines(profile, self.panels))
        self._hours_task: asyncio.Task[None] | None = None

    def _host(self, table: HostTable) -> Host:
        timing = self.timings.of(table.name)
        by_adapters = self.adapters.host_lines(table) if table.controls else None
        if by_adapters:
            timing = replace(timing, act_within_ms=by_adapters.act_within_ms)
        host = Host(
            table.name,
            timing,
            by_adapters or EngineHostLines(table, self.lines.engine, self.lines.armed),
            functools.partial(self._host_told, table.name),
            self._host_changed,
            asked=lambda host, request: self.restore.asked(host, request),
        )
        if by_adapters:
            self.adapters.connect(by_adapters, host)
        return host

    def timing_changed(self, host: str) -> None:
        """The times of a host were changed at run time: they hold for what it begins from now on."""
        self.hosts[host].set_timing(self.timings.of(host))

    @property
    def manager(self) -> PowerManager:
        """Where every request of every face goes."""
        return self.power.manager

    def watch(self, changed: Callable[[str], None]) -> None:
        """`changed` is called with the source (`host/0`, `psu/1`, `redundancy`) whenever its document changed."""
        self._watchers.append(changed)

    def start(self) -> None:
        """Begin to hear the lines and to poll the buses."""
        self.lines.engine.start()
        for limit in self.lines.engine.thread_report():
            self.bus.emit(EventKind.LINES_LIMITED, "board", "board", limit)
        self._loop.add_reader(self.lines.engine.fileno(), self._dispatch.read)
        if self.lines.guard:
            self._loop.add_reader(self.lines.guard.fileno(), self._guard_lost)
        self.adapters.start()
        self.power.start()
        self.restore.start()
        self.supplies.start()
        self.redundancy.start()
        self.sensors.start()
        self.zones.start(self.sensors.readings)
        self.fans.start()
        self.limits.start()
        self.power_meter.start()
        self.energy_meter.start()
        self._hours_task = asyncio.create_task(self._keep_hours(), name="hours")

    async def close(self) -> None:
        """Stop watching; no line moves."""
        await self.adapters.close()
        await self.energy_meter.close()
        await self.power_meter.close()
        await self.limits.close()
        await self.sensors.close()
        await self.zones.close()
        await self.fans.close()
        await self.redundancy.close()
        await self.supplies.close()
        if self._hours_task:
            self._hours_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._hours_task
            self._loop.remove_reader(self.lines.engine.fileno())
            if self.lines.guard:
                self._loop.remove_reader(self.lines.guard.fileno())
        await self.interlocks.close()
        await self.restore.close()
        for panel in self.panels.values():
            panel.close()
        await self.power.close()
        for host in self.hosts.values():
            host.close()
        for hours in self.hours.values():
            with contextlib.suppress(OSError):
                await hours.store_if_due(now=True)

    # ------------------------------------------------------------------ what happens

    def _guard_lost(self) -> None:
        assert self.lines.guard is not None
        self._loop.remove_reader(self.lines.guard.fileno())
        self.bus.emit(EventKind.GUARD_LOST, "board", "board")

    def _switch_on(self, hosts: Sequence[str], request: Request) -> Reply:
        """After a mains loss: in one operation, so that they start one after another."""
        wants = dict.fromkeys(hosts, request.action)
        reply, _ = self.power.manager.ask_many("restore", wants, request, queue=True)
        return reply

    def _host_told(self, name: str, kind: EventKind, source: str, *args: str) -> None:
        self.bus.emit(kind, source, *args)
        self.restore.told(self.hosts[name], kind)

    def _host_changed(self, host: Host) -> None:
        self.power.unit_changed(host.name)
        self.restore.host_changed(host)
        self.interlocks.host_changed(host.name, host.view().state)
        hours = self.hours[host.name]
        was_on, is_on = hours.on, host.view().powered
        hours.powered(is_on)
        if is_on and not was_on:
            self.redundancy.host_powered_on()
        self.tell(host.source)

    def _supplies_changed(self) -> None:
        for slot in self.supplies.slots:
            self.tell(f"psu/{slot.name}")
        if not self._mains_line:
            self.restore.mains(mains_by_supplies(self.supplies.slots))
        self.redundancy.supplies_changed()

    def _present(self, line: str) -> bool | None:
        """What a presence line says."""
        steady = self.lines.engine.input(line).steady
        return None if steady is Steady.UNKNOWN else steady is Steady.ACTIVE

    def _redundancy_changed(self) -> None:
        self.tell("redundancy")
        for slot in self.supplies.slots:
            self.tell(f"psu/{slot.name}")

    def _sensors_polled(self) -> None:
        self.zones.look(self.sensors.readings())
        self.fans.look()

    def _zone_changed(self, zone: str) -> None:
        """Looked at every second; told only when its document says something else."""
        document = zone_document(self.zones, self.fans, zone)
        if document != self._zone_documents.get(zone):
            self._zone_documents[zone] = document
            self.tell(f"thermal/{zone}")

    def tell(self, source: str) -> None:
        """The document of this source changed."""
        for watcher in self._watchers:
            watcher(source)

    async def _keep_hours(self) -> None:
        while True:
            await asyncio.sleep(HOURS_CHECK_S)
            for hours in self.hours.values():
                try:
                    await hours.store_if_due()
                except OSError as error:
                    log.warning("power-on hours not stored: %s", error)
