# SPDX-License-Identifier: Apache-2.0
"""The power budget as a part of a coordinator's program: what it is made of, and its tasks."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.reallocation import Reallocation
from agent.fleet.budget.sites.deferrable import Placement
from agent.fleet.budget.sites.site_link import SiteLink
from agent.fleet.groups.group_teller import GroupTeller
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.fleet.program.coordinator_file import BudgetFile
    from agent.mqtt.config import MqttConfig

log = logging.getLogger(__name__)


class BudgetProgram:
    """Used on the asyncio loop only. `start` and `close` are for the parent's broker; `bus` is somebody else's."""

    def __init__(self, bus: MqttBus, file: BudgetFile, domain: str, mqtt: MqttConfig, version: str) -> None:
        """`version` is told to Home Assistant. Raises ValueError if the parent's broker cannot be used like this."""
        self._bus = bus
        self.parent_bus: MqttBus | None = None
        self.coordinator = Coordinator(
            bus, file.tree, domain, boot_clock_ns, random.Random(), file.timing,
            parent=self._parent(file),
            placement=None if file.deferrable is None else Placement(file.deferrable),
            reallocation=Reallocation() if file.reallocate else None,
            segments=file.segments,
        )  # fmt: skip
        self._groups = GroupTeller(bus, self.coordinator, mqtt.discovery_prefix, version, boot_clock_ns)

    def start(self) -> None:
        if self.parent_bus is not None:
            self.parent_bus.start()

    async def close(self) -> None:
        if self.parent_bus is not None:
            await self.parent_bus.close()

    def work(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is to run, each in a task of its own that is begun again after a fault."""
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "coordinator": self.coordinator.run,
            "alarms": self._tell_alarms,
            "groups": self._groups.run,
        }
        if self.coordinator.parent is not None:
            work["parent"] = self.coordinator.parent.listen
        return work

    # ------------------------------------------------------------------ steps

    def _parent(self, file: BudgetFile) -> SiteLink | None:
        if file.parent is None:
            return None
        if file.parent.mqtt is not None:
            self.parent_bus = MqttBus(file.parent.mqtt)
        limit_w = file.tree.groups[file.tree.root].limit_w
        bus = self.parent_bus or self._bus
        return SiteLink(bus, file.parent.place, limit_w, file.timing.lease_ns, boot_clock_ns)

    async def _tell_alarms(self) -> None:
        """Each group's alarm once, when it has stood for a cycle and when it ends; its numbers change all the time.

        In the first cycle of a lead nodes that have not answered yet count with their peaks.
        """
        before: set[str] = set()
        told: set[str] = set()
        while True:
            control = self.coordinator.control if self.coordinator.leads else None
            if control is None:
                before, told = set(), set()
            else:
                alarms = {alarm.partition(":")[0]: alarm for alarm in control.alarms()}
                for name in before & alarms.keys() - told:
                    log.warning("alarm: %s", alarms[name])
                for name in told - alarms.keys():
                    log.info("no alarm any more: %s", name)
                told = (told & alarms.keys()) | (before & alarms.keys())
                before = set(alarms)
            await asyncio.sleep(self.coordinator.timing.cycle_s)
