# SPDX-License-Identifier: Apache-2.0
"""The energy service of a board: made where the site file has `[energy]`, imported nowhere else."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from agent.board.energy.documents import energy_document, energy_problems, energy_readings
from agent.board.energy.heat import zone_now
from agent.board.energy.node import node_facts
from agent.board.energy.parts import EnergyParts
from agent.board.energy.planning_requests import PlanningRequests
from agent.board.energy.report_requests import ReportRequests
from agent.board.energy.requests import EnergyRequests
from agent.board.energy.what_if_requests import WhatIfRequests
from agent.energy.battery import BatteryState
from agent.energy.controller import EnergyController
from agent.energy.cron import parse_cron
from agent.energy.energy_counters import EnergyCounters
from agent.energy.feeds import make_feeds
from agent.energy.heat import Heat
from agent.energy.kubernetes.publisher import NodePublisher
from agent.energy.planning import Planning
from agent.energy.policies.lease import LeasePolicy
from agent.energy.policy_tables import CarbonBudgetTable, ThermalTable
from agent.energy.reporting import Reporting
from agent.energy.surroundings import Surroundings
from agent.energy.timed_refresh import TimedRefresh
from agent.energy.work_hours import WorkHours
from agent.mqtt.inventory import EnergyItem

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from agent.board.energy.documents import Document
    from agent.board.fleet.budget import LeasedMachine
    from agent.board.options import Options
    from agent.board.services import Services
    from agent.energy.heat import ZoneNow
    from agent.energy.tables import EnergyTable
    from agent.hardware.hwmon import HwmonPort
    from agent.requests.endpoint import Endpoint

log = logging.getLogger(__name__)

NOTHING = "there is no actuator: it is shown what would be in force (energy.actuator)"
NOT_ARMED = "the board is not armed: it is shown what would be in force (pgood arm)"
LEASE_LOOK_S = 1.0
"""A machine under a budget is measured so often at least: its peaks count."""
WORK_LOOK_S, WORK_S = 60.0, 3.0
"""How often work is counted, and how long that may take."""


class BoardEnergy:
    """Used on the loop's thread."""

    def __init__(self, options: Options, table: EnergyTable, services: Services, hwmon: HwmonPort) -> None:
        """Opens no device. Raises ConfigError."""
        self.zone = table.zone
        self._services = services
        self._document: Document = {}
        self.leased = _leased(options)
        """There = the site file's `[fleet]` has a budget."""
        if self.leased:
            table = msgspec.structs.replace(table, look_s=min(table.look_s, LEASE_LOOK_S))
        parts = EnergyParts(options, table, services)
        cap = parts.cap()
        self.battery = parts.battery()
        self.heat = Heat(
            [policy for policy in table.policies if isinstance(policy, ThermalTable)], lambda zone: self.zone_now(zone)
        )
        self.controller = EnergyController(
            table,
            make_feeds(table.signals, options.state_dir, time.time),
            [*(policy.make() for policy in table.policies), *([LeasePolicy()] if self.leased else [])],
            parts.meters(hwmon),
            cap.writer,
            cap.name,
            EnergyCounters(services.settings, ZoneInfo(table.zone)),
            Surroundings(
                now_s=time.time,
                now_ns=time.monotonic_ns,
                emit=services.bus.emit,
                changed=self._changed,
                may_act=lambda: NOTHING if cap.name == "none" else "" if services.lines.armed else NOT_ARMED,
                spare_w=services.capacity.spare_w,
                heat=lambda measured: self.heat.look(measured, time.monotonic_ns()),
                battery=lambda: self.battery.state if self.battery else BatteryState(),
                carbon_today_g=self._carbon_today_g,
                lease=lambda: self.leased.lease if self.leased else None,
            ),
            cap.tuning,
        )
        if self.leased:
            self.leased.connect(self.controller)
        self._budget = next((policy.signal for policy in table.policies if isinstance(policy, CarbonBudgetTable)), "")
        self._work_thread = parts.work()
        self._work = WorkHours(parts.work_source().unit, services.settings)
        self.reporting = Reporting(self.controller, self._work, table.zone, table.look_s)
        self.planning = Planning(self.controller, table.zone)
        self.node = NodePublisher(table.kubernetes) if table.kubernetes else None
        self._timed = (
            TimedRefresh(parse_cron(table.refresh_cron), table.zone, self.controller.feeds.values(), time.time)
            if table.refresh_cron
            else None
        )
        self.throttling = parts.throttling(self._changed)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.controller.start()
        self._begin("energy-work", self._count_work())
        if self.node:
            self._begin("kubernetes", self.node.run())
        if self.battery:
            self._begin("energy-battery", self.battery.run())
        if self.throttling:
            self._begin("energy-throttling", self.throttling.run())
        if self._timed:
            self._begin("energy-refresh", self._timed.run())

    async def close(self) -> None:
        """Give everything back as it was found. What fails is told: the rest of the board is still to be closed."""
        try:
            await self.controller.close()
        except Exception:
            log.exception("energy")
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("energy: a task had ended: %r", ended)
        if self.battery:
            self.battery.close()
        if self.throttling:
            self.throttling.close()
        self._work_thread.close()

    def document(self) -> Document:
        """What MQTT retains at `energy/state`."""
        return energy_document(self)

    def item(self) -> EnergyItem:
        """For whoever describes the board."""
        feeds = self.controller.feeds.items()
        return EnergyItem(tuple((name, feed.source.unit.value) for name, feed in feeds))

    def readings(self) -> Document:
        """What telemetry has."""
        return energy_readings(self.controller)

    def endpoints(self) -> dict[str, Endpoint]:
        """The methods that there are besides a board's."""
        rooms = (EnergyRequests(self), PlanningRequests(self), WhatIfRequests(self), ReportRequests(self))
        return {name: endpoint for room in rooms for name, endpoint in room.table().items()}

    def problems(self) -> Iterator[tuple[str, str]]:
        return energy_problems(self)

    def zone_now(self, zone: str) -> ZoneNow:
        """A thermal zone as it reads now."""
        return zone_now(self._services, zone)

    def _begin(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def _changed(self) -> None:
        """Looked at every few seconds; told only when its document says something else."""
        facts = node_facts(self.controller, self.zone) if self.node else None
        if self.node and facts:
            self.node.publish(facts)
        document = self.document()
        if document != self._document:
            self._document = document
            self._services.tell("energy")

    def _carbon_today_g(self) -> float:
        return self.reporting.carbon_today_g(self._budget, time.time()) if self._budget else 0.0

    async def _count_work(self) -> None:
        while True:
            try:
                count = await self._work_thread.call(lambda source: source.count(), WORK_S)
                await self._work.add(count, time.time())
                if self.leased:
                    self.leased.worked(self._work.amount)
            except (OSError, TimeoutError) as error:
                log.warning("work is not counted: %s", error)
            except Exception:  # a fault of ours costs this count only
                log.exception("work is not counted")
            await asyncio.sleep(WORK_LOOK_S)


def _leased(options: Options) -> LeasedMachine | None:
    """What the coordinator's leases are kept by."""
    fleet = options.fleet
    if fleet is None or fleet.base_w is None or fleet.peak_w is None:
        return None
    from agent.board.fleet.budget import LeasedMachine

    return LeasedMachine(fleet.base_w, fleet.peak_w)
