# SPDX-License-Identifier: Apache-2.0
"""Who may have hosts switched off past every gate and queue, and the record of it: implements EmergencyPath."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.power.operation_log import of_operation
from agent.power.request import Action, HostState, Reply, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from agent.power.emergency import EmergencyOff
    from agent.power.manager import PowerManager
    from agent.power.policy import PowerPolicies

log = logging.getLogger(__name__)

METHOD = "system/emergency/off"
THERMAL = "thermal:"
"""Begins the origin of what thermal zones ask for."""


class Emergencies:
    """Used on the loop's thread."""

    def __init__(
        self,
        manager: PowerManager,
        path: EmergencyOff,
        policies: Callable[[], PowerPolicies],
        emit: Callable[..., object],
        audit: Callable[[Request, str, tuple[str, ...], Reply, str | None], None],
    ) -> None:
        self._manager = manager
        self._path = path
        self._policies = policies
        self._emit = emit
        self._audit = audit
        self._running: dict[frozenset[str], tuple[str, asyncio.Task[None]]] = {}

    def soft_off(self, domains: Collection[str], origin: str, why: str) -> str:
        if not self._allowed(origin):
            return ""
        manager = self._manager
        wants = {
            name: Action.SOFT_OFF
            for name in manager.graph.with_dependents(domains)
            if manager.state(name) not in (HostState.OFF, HostState.POWERING_OFF)
        }
        if not wants:
            return ""
        request = Request(Action.SOFT_OFF, origin)
        log.warning("soft off of %s by %s: %s", ", ".join(wants), origin, why)
        reply, _ = manager.ask_many("soft-off", wants, request, queue=True)
        if reply.verdict is not Verdict.ACCEPTED:
            return ""
        return manager.operations.of_target(manager.graph.domains[next(iter(wants))].source) or ""

    def emergency_off(self, domains: Collection[str], origin: str, why: str) -> str:
        if not self._allowed(origin):
            return ""
        wanted, request = frozenset(domains), Request(Action.FORCE_OFF, origin, force=True)
        running = next((known for held, (known, _) in self._running.items() if wanted <= held), None)
        if running is not None:
            return running
        self._path.fire(wanted, request)
        return self._keep_book(wanted, request, why)

    def everything(self) -> frozenset[str]:
        """What a system-wide emergency switches off: hosts, and rails that their profile wants lowered at once."""
        return self._path.everything()

    async def close(self) -> None:
        """Wait for no outcome; what the engine holds it lets go by itself."""
        for _, task in tuple(self._running.values()):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _allowed(self, origin: str) -> bool:
        return not origin.startswith(THERMAL) or self._policies().emergency.thermal_shutdown

    def _keep_book(self, wanted: frozenset[str], request: Request, why: str) -> str:
        manager = self._manager
        sources = tuple(manager.graph.domains[name].source for name in sorted(wanted))
        manager.lock(wanted, "an emergency off is running")
        operation = manager.operations.begin(METHOD, sources, request.origin)
        manager.operations.step(operation, why)
        self._emit(EventKind.POWER_EMERGENCY, "board", ", ".join(sources), request.origin, why)
        self._audit(request, METHOD, sources, Reply(Verdict.ACCEPTED, why), operation)
        with of_operation(operation):
            task = asyncio.create_task(self._follow(operation, wanted, sources, request), name=METHOD)
        self._running[wanted] = (operation, task)
        return operation

    async def _follow(self, operation: str, wanted: frozenset[str], sources: tuple[str, ...], request: Request) -> None:
        operations, replies = self._manager.operations, dict[str, Reply]()

        def tell(name: str, reply: Reply) -> None:
            replies[name] = reply
            why = f": {reply.reason}" if reply.reason else ""
            operations.step(operation, f"{self._manager.graph.domains[name].source}: {reply.verdict.value}{why}")

        result = Reply(Verdict.FAILED, "ended before its time")
        try:
            await self._path.follow(wanted, request, tell)
            bad = [
                f"{name}: {one.verdict.value} {one.reason}".strip()
                for name, one in replies.items()
                if not one.verdict.good
            ]
            result = Reply(Verdict.FAILED, "; ".join(sorted(bad))) if bad else Reply(Verdict.DONE)
        finally:
            self._running.pop(wanted, None)
            self._manager.unlock(wanted)
            operations.finish(operation, result)
            self._audit(request, METHOD, sources, result, operation)
