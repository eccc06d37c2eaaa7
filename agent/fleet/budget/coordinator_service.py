# SPDX-License-Identifier: Apache-2.0
"""A coordinator as a running program: the bus, the cycle, the local socket, and what the service manager is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from typing import TYPE_CHECKING

from agent.control.server import ControlServer
from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.coordinator_methods import CoordinatorMethods
from agent.fleet.budget.deferrable import Placement
from agent.fleet.budget.reallocation import Reallocation
from agent.fleet.budget.site_link import SiteLink
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns
from agent.service.notifier import Notifier

if TYPE_CHECKING:
    from pathlib import Path

    from agent.fleet.budget.coordinator_file import CoordinatorFile

log = logging.getLogger(__name__)

GOES_ON_S = 3.0
"""After a fault of ours; the lead is kept or lost meanwhile as the lease says."""


class CoordinatorService:
    """Used on the asyncio loop only."""

    def __init__(self, file: CoordinatorFile) -> None:
        """Raises ValueError if the broker cannot be used like this."""
        self._notifier = Notifier.from_environment()
        self._bus = MqttBus(file.mqtt)
        self._parent_bus: MqttBus | None = None
        self._coordinator = Coordinator(
            self._bus, file.tree, file.domain, boot_clock_ns, random.Random(), file.timing,
            parent=self._parent(file),
            placement=None if file.deferrable is None else Placement(file.deferrable),
            reallocation=Reallocation() if file.reallocate else None,
            segments=file.segments,
            beaten=self._beat,
        )  # fmt: skip

    async def run(self, socket: Path) -> None:
        """Until SIGINT or SIGTERM; then the lead is given back. Raises OSError if there can be no socket."""
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        server = ControlServer(CoordinatorMethods(self._coordinator, self._bus, self._parent_bus), socket)
        await server.start()
        self._notifier.ready(self._text())
        self._bus.start()
        if self._parent_bus is not None:
            self._parent_bus.start()
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._tell_alarms())]
        if self._coordinator.parent is not None:
            tasks.append(asyncio.create_task(self._obey(self._coordinator.parent)))
        try:
            await ended.wait()
        finally:
            self._notifier.stopping()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await server.close()
            if self._parent_bus is not None:
                await self._parent_bus.close()
            await self._bus.close()

    def _parent(self, file: CoordinatorFile) -> SiteLink | None:
        if file.parent is None:
            return None
        if file.parent.mqtt is not None:
            self._parent_bus = MqttBus(file.parent.mqtt)
        limit_w = file.tree.groups[file.tree.root].limit_w
        bus = self._parent_bus or self._bus
        return SiteLink(bus, file.parent.place, limit_w, file.timing.lease_ns, boot_clock_ns)

    # ------------------------------------------------------------------ steps

    def _beat(self) -> None:
        """The watchdog is told by the cycle itself: a loop that hangs, or a cycle that never ends, is restarted."""
        self._notifier.alive()
        self._notifier.status(self._text())

    def _text(self) -> str:
        leads = "leads" if self._coordinator.leads else "does not lead"
        return f"domain {self._coordinator.domain}: {leads}; {self._bus.text}"

    async def _work(self) -> None:
        while True:
            try:
                await self._coordinator.run()
            except Exception:  # a fault of ours must not leave the fleet without its coordinator
                log.exception("coordinator of %s: goes on after a fault", self._coordinator.domain)
            await asyncio.sleep(GOES_ON_S)

    async def _obey(self, parent: SiteLink) -> None:
        while True:
            try:
                await parent.listen()
            except Exception:  # a fault of ours must not leave the site without its parent
                log.exception("parent %s: is heard again after a fault", parent.place.domain)
            await asyncio.sleep(GOES_ON_S)

    async def _tell_alarms(self) -> None:
        """Each group's alarm once, when it has stood for a cycle and when it ends; its numbers change all the time.

        In the first cycle of a lead nodes that have not answered yet count with their peaks.
        """
        before: set[str] = set()
        told: set[str] = set()
        while True:
            control = self._coordinator.control if self._coordinator.leads else None
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
            await asyncio.sleep(self._coordinator.timing.cycle_s)
