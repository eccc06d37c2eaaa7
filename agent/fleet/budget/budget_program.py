# SPDX-License-Identifier: Apache-2.0
"""The power budget as a part of a coordinator's program: its tasks, and what it tells of itself."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING

from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.deferrable import Placement
from agent.fleet.budget.group_teller import GroupTeller
from agent.fleet.budget.site_link import SiteLink
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.fleet.budget.coordinator_file import BudgetFile
    from agent.mqtt.config import MqttConfig

log = logging.getLogger(__name__)


class NotExplained(Exception):
    """Why a node has what it has is not known here; says why."""


class BudgetProgram:
    """Used on the asyncio loop only. `start` and `close` are for the parent's broker; `bus` is somebody else's."""

    def __init__(self, bus: MqttBus, file: BudgetFile, domain: str, mqtt: MqttConfig, version: str) -> None:
        """`version` is told to Home Assistant. Raises ValueError if the parent's broker cannot be used like this."""
        self._bus = bus
        self._parent_bus: MqttBus | None = None
        self.coordinator = Coordinator(
            bus, file.tree, domain, boot_clock_ns, random.Random(), file.timing,
            parent=self._parent(file),
            placement=None if file.deferrable is None else Placement(file.deferrable),
            segments=file.segments,
        )  # fmt: skip
        self._groups = GroupTeller(bus, self.coordinator, mqtt.discovery_prefix, version, boot_clock_ns)

    def start(self) -> None:
        if self._parent_bus is not None:
            self._parent_bus.start()

    async def close(self) -> None:
        if self._parent_bus is not None:
            await self._parent_bus.close()

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

    # ------------------------------------------------------------------ what is told

    def explain(self, node: str) -> dict[str, object]:
        """Raises NotExplained."""
        try:
            why = self.coordinator.explain(node)
        except KeyError as error:
            known = ", ".join(sorted(self.coordinator.tree.nodes)[:20])
            raise NotExplained(f"there is no node {node!r} in the file; there are: {known}") from error
        if why is None or not self.coordinator.leads:
            raise NotExplained(
                f"this coordinator does not lead, so it knows no reasons ({self._bus.text}): ask the other"
            )
        return {
            "node": node,
            "text": why.text(),
            "rule": why.rule.name.lower().replace("_", "-"),
            "cap_w": why.cap_w,
            "counted_w": why.counted_w,
            "group": why.group,
            "group_w": why.group_w,
            "limit_w": why.limit_w,
            "watts": why.watts,
            "age_s": None if why.age_ns is None else why.age_ns / 1e9,
        }

    def status(self) -> dict[str, object]:
        coordinator = self.coordinator
        control = coordinator.control if coordinator.leads else None
        groups = [
            {
                "group": name,
                "limit_w": group.limit_w,
                "counted_w": None if control is None else control.ledger.sum_w(name),
                "watts": None if control is None else control.groups[name].watts,
            }
            for name, group in coordinator.tree.groups.items()
        ]
        return {
            "leads": coordinator.leads,
            "term": None if control is None else control.ledger.term,
            "groups": groups,
            "alarms": [] if control is None else control.alarms(),
            "refused": {refusal.value: count for refusal, count in coordinator.refused.items()},
            "unreached": coordinator.unreached,
            **self._of_sites(),
        }

    def _of_sites(self) -> dict[str, object]:
        """Where there is a parent, or load that may run at any site."""
        found: dict[str, object] = {}
        coordinator, now_ns = self.coordinator, boot_clock_ns()
        parent, placement = coordinator.parent, coordinator.placement
        if parent is not None:
            found["parent"] = {
                "domain": parent.place.domain,
                "site": parent.place.site,
                "limit_w": parent.root_limit_w(now_ns),
                "minimum_w": parent.place.minimum_w,
                "deferred_w": parent.deferred_w(now_ns),
                "broker": None if self._parent_bus is None else self._parent_bus.text,
                "refused": {refusal.value: count for refusal, count in parent.refused.items()},
                "unreached": parent.unreached,
            }
        if placement is not None:
            found["deferrable"] = {
                "load_w": placement.wish.load_w,
                "placed_w": placement.placed_w if coordinator.leads else None,
                "waits_w": placement.waits_w if coordinator.leads else None,
            }
        return found

    # ------------------------------------------------------------------ steps

    def _parent(self, file: BudgetFile) -> SiteLink | None:
        if file.parent is None:
            return None
        if file.parent.mqtt is not None:
            self._parent_bus = MqttBus(file.parent.mqtt)
        limit_w = file.tree.groups[file.tree.root].limit_w
        bus = self._parent_bus or self._bus
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
