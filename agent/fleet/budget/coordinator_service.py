# SPDX-License-Identifier: Apache-2.0
"""A coordinator as a running program: the bus, the cycle, and a local socket that answers why."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

import msgspec

from agent.control.server import ControlServer, Entry, Peer, RequestError
from agent.fleet.budget.budget_program import BudgetProgram, NotExplained
from agent.fleet.farm.program import NotHandedBack, start_farm
from agent.fleet.mqtt_bus import MqttBus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from agent.fleet.budget.coordinator_file import CoordinatorFile
    from agent.fleet.farm.program import Farm

log = logging.getLogger(__name__)

GOES_ON_S = 3.0
"""After a fault of ours; the lead is kept or lost meanwhile as the lease says."""


class _OfNode(msgspec.Struct, forbid_unknown_fields=True):
    node: str


class CoordinatorService:
    """Used on the asyncio loop only."""

    def __init__(self, file: CoordinatorFile, state_dir: Path, version: str) -> None:
        """`version` is told to Home Assistant. Raises ValueError if the broker cannot be used like this."""
        self._bus = MqttBus(file.mqtt)
        self._domain = file.domain
        self._budget = (
            None if file.budget is None else BudgetProgram(self._bus, file.budget, file.domain, file.mqtt, version)
        )
        self._farm = None if file.farm is None else start_farm(self._bus, file.farm, file.domain, state_dir)

    async def run(self, socket: Path) -> None:
        """Until SIGINT or SIGTERM; then the lead is given back. Raises OSError if there can be no socket."""
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        server = ControlServer(self, socket)
        await server.start()
        self._bus.start()
        work: dict[str, Callable[[], Awaitable[None]]] = {}
        if self._budget is not None:
            self._budget.start()
            work |= self._budget.work()
        if self._farm is not None:
            work["farm"] = self._farm.run
        tasks = [asyncio.create_task(self._work(name, one)) for name, one in work.items()]
        try:
            await ended.wait()
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await server.close()
            if self._budget is not None:
                await self._budget.close()
            await self._bus.close()

    # ------------------------------------------------------------------ the local socket

    def table(self) -> Mapping[str, Entry]:
        return {
            "status": Entry(False, serve=self._status),
            "explain": Entry(False, serve=self._explain),
            "farm": Entry(False, serve=self._farm_status),
            "farm-release": Entry(True, serve=self._farm_release),
        }

    def may_act(self, peer: Peer) -> bool:
        return peer.uid in (0, os.getuid())

    async def _explain(self, given: Mapping[str, Any], _peer: Peer) -> object:
        if self._budget is None:
            raise RequestError("the file has no groups: no power is shared here")
        try:
            return self._budget.explain(msgspec.convert(given, _OfNode).node)
        except NotExplained as error:
            raise RequestError(str(error)) from error

    async def _status(self, _given: Mapping[str, Any], _peer: Peer) -> object:
        budget = {"leads": False, "groups": [], "alarms": [], "refused": {}}
        return {
            "domain": self._domain,
            "broker": self._bus.text,
            "lost": self._bus.lost,
            "malformed_claims": self._bus.malformed_claims,
            "farm_leads": None if self._farm is None else self._farm.leads,
            **(budget if self._budget is None else self._budget.status()),
        }

    async def _farm_status(self, _given: Mapping[str, Any], _peer: Peer) -> object:
        return {"broker": self._bus.text, **self._the_farm().status()}

    async def _farm_release(self, given: Mapping[str, Any], peer: Peer) -> object:
        node = msgspec.convert(given, _OfNode).node
        try:
            return {"text": await self._the_farm().hand_back(node, peer.name)}
        except NotHandedBack as error:
            raise RequestError(str(error)) from error

    def _the_farm(self) -> Farm:
        if self._farm is None:
            raise RequestError("the file has no table [farm] (docs/fleet-farm.md)")
        return self._farm

    # ------------------------------------------------------------------ steps

    async def _work(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Exception:  # a fault of ours must not leave the fleet without its coordinator
                log.exception("%s of %s: goes on after a fault", name, self._domain)
            await asyncio.sleep(GOES_ON_S)
