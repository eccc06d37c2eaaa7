# SPDX-License-Identifier: Apache-2.0
"""A coordinator as a running program: the bus, its parts, the local socket, and what the service manager is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from functools import partial
from typing import TYPE_CHECKING

from agent.control.server import ControlServer
from agent.fleet.farm.program import start_farm
from agent.fleet.mqtt_bus import MqttBus
from agent.fleet.program.budget_program import BudgetProgram
from agent.fleet.program.coordinator_methods import CoordinatorMethods
from agent.fleet.program.pulse import Pulse
from agent.service.notifier import Notifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.fleet.program.coordinator_file import CoordinatorFile

log = logging.getLogger(__name__)

GOES_ON_S = 3.0
"""After a fault of ours; the lead is kept or lost meanwhile as the lease says."""


class CoordinatorService:
    """Used on the asyncio loop only."""

    def __init__(self, file: CoordinatorFile, state_dir: Path, version: str) -> None:
        """`version` is told to Home Assistant. Raises ValueError if the broker cannot be used like this."""
        self._notifier = Notifier.from_environment()
        self._bus = MqttBus(file.mqtt)
        self._domain = file.domain
        self._budget = (
            None if file.budget is None else BudgetProgram(self._bus, file.budget, file.domain, file.mqtt, version)
        )
        self._farm = None if file.farm is None else start_farm(self._bus, file.farm, file.domain, state_dir)
        parts = [name for name, one in (("coordinator", self._budget), ("farm", self._farm)) if one is not None]
        self._pulse = Pulse(parts, self._alive)

    async def run(self, socket: Path) -> None:
        """Until SIGINT or SIGTERM; then the lead is given back. Raises OSError if there can be no socket."""
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        server = ControlServer(CoordinatorMethods(self._domain, self._bus, self._budget, self._farm), socket)
        await server.start()
        self._notifier.ready(self._text())
        self._bus.start()
        tasks = [asyncio.create_task(self._work(name, one)) for name, one in self._parts().items()]
        try:
            await ended.wait()
        finally:
            self._notifier.stopping()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await server.close()
            if self._budget is not None:
                await self._budget.close()
            await self._bus.close()

    # ------------------------------------------------------------------ steps

    def _parts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What is to run. Each leading part beats at its own looks."""
        work: dict[str, Callable[[], Awaitable[None]]] = {}
        if self._budget is not None:
            self._budget.coordinator.beaten = partial(self._pulse.beat, "coordinator")
            self._budget.start()
            work |= self._budget.work()
        if self._farm is not None:
            self._farm.beaten = partial(self._pulse.beat, "farm")
            work["farm"] = self._farm.run
        return work

    def _alive(self) -> None:
        """The cycles themselves tell the watchdog: a loop that hangs, or a cycle that never ends, is restarted."""
        self._notifier.alive()
        self._notifier.status(self._text())

    def _text(self) -> str:
        parts = []
        if self._budget is not None:
            parts.append("leads" if self._budget.coordinator.leads else "does not lead")
        if self._farm is not None:
            parts.append("leads the farm" if self._farm.leads else "does not lead the farm")
        return f"domain {self._domain}: {', '.join(parts)}; {self._bus.text}"

    async def _work(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception:  # a fault of ours must not leave the fleet without its coordinator
                log.exception("%s of %s: goes on after a fault", name, self._domain)
            await asyncio.sleep(GOES_ON_S)
