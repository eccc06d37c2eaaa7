# SPDX-License-Identifier: Apache-2.0
"""A coordinator as a running program: the bus, the cycle, and a local socket that answers why."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
from typing import TYPE_CHECKING, Any

import msgspec

from agent.control.server import ControlServer, Entry, Peer, RequestError
from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.farm.program import NotHandedBack, start_farm
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns

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

    def __init__(self, file: CoordinatorFile, state_dir: Path) -> None:
        """Raises ValueError if the broker cannot be used like this."""
        self._bus = MqttBus(file.mqtt)
        self._domain = file.domain
        self._budget = (
            None
            if file.tree is None
            else Coordinator(self._bus, file.tree, file.domain, boot_clock_ns, random.Random())
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
        tasks: list[asyncio.Task[None]] = []
        if self._budget is not None:
            tasks.append(asyncio.create_task(self._work("coordinator", self._budget.run)))
            tasks.append(asyncio.create_task(self._tell_alarms(self._budget)))
        if self._farm is not None:
            tasks.append(asyncio.create_task(self._work("farm", self._farm.run)))
        try:
            await ended.wait()
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await server.close()
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
        node = msgspec.convert(given, _OfNode).node
        budget = self._budget
        if budget is None:
            raise RequestError("the file has no groups: no power is shared here")
        try:
            why = budget.explain(node)
        except KeyError as error:
            known = ", ".join(sorted(budget.tree.nodes)[:20])
            raise RequestError(f"there is no node {node!r} in the file; there are: {known}") from error
        if why is None or not budget.leads:
            raise RequestError(
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

    async def _status(self, _given: Mapping[str, Any], _peer: Peer) -> object:
        coordinator = self._budget
        common = {
            "domain": self._domain,
            "broker": self._bus.text,
            "lost": self._bus.lost,
            "malformed_claims": self._bus.malformed_claims,
            "farm_leads": None if self._farm is None else self._farm.leads,
        }
        if coordinator is None:
            return {**common, "leads": False, "groups": [], "alarms": [], "refused": {}}
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
            **common,
            "leads": coordinator.leads,
            "term": None if control is None else control.ledger.term,
            "groups": groups,
            "alarms": [] if control is None else control.alarms(),
            "refused": {refusal.value: count for refusal, count in coordinator.refused.items()},
            "unreached": coordinator.unreached,
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

    async def _tell_alarms(self, coordinator: Coordinator) -> None:
        """Each group's alarm once, when it has stood for a cycle and when it ends; its numbers change all the time.

        In the first cycle of a lead nodes that have not answered yet count with their peaks.
        """
        before: set[str] = set()
        told: set[str] = set()
        while True:
            control = coordinator.control if coordinator.leads else None
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
            await asyncio.sleep(coordinator.cycle_s)
