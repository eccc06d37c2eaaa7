# SPDX-License-Identifier: Apache-2.0
"""Switches hosts off for safety's sake, straight through their state machines. Used on the loop's thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.power.request import Action, Reply, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.power.host import Host
    from agent.power.operations import Operations

AGAIN_S = 1.0
PATIENCE_S = 30.0
"""A host that is being switched on is busy for so long at most, by the defaults of its timing."""


class HostEmergency:
    """Implements agent.power.gate.EmergencyPath for a board whose only domains are its hosts.

    A host that is busy with something else is asked again every second; its machine decides when it can be switched.
    """

    def __init__(self, hosts: Mapping[str, Host], operations: Operations) -> None:
        self._hosts = hosts
        self._operations = operations
        self._loop = asyncio.get_running_loop()

    def soft_off(self, domains: Collection[str], origin: str, why: str) -> str:
        return self._begin(Action.SOFT_OFF, domains, origin, why)

    def emergency_off(self, domains: Collection[str], origin: str, why: str) -> str:
        return self._begin(Action.FORCE_OFF, domains, origin, why)

    def _begin(self, action: Action, domains: Collection[str], origin: str, why: str) -> str:
        operation = self._operations.begin(action.value, tuple(domains), origin)
        self._operations.step(operation, why)
        wanted = [host for host in self._hosts.values() if host.source in domains]
        self._ask(operation, wanted, Request(action, origin, force=True), self._loop.time() + PATIENCE_S)
        return operation

    def _ask(self, operation: str, hosts: Collection[Host], request: Request, until_s: float) -> None:
        replies = {host: host.ask(request)[0] for host in hosts}
        busy = [host for host, reply in replies.items() if reply.verdict is Verdict.BUSY]
        bad = [reply for host, reply in replies.items() if not reply.verdict.good and host not in busy]
        if bad:
            self._operations.finish(operation, bad[0])
        if not busy:
            self._operations.finish(operation, Reply(Verdict.DONE))
        elif self._loop.time() < until_s:
            self._loop.call_later(AGAIN_S, self._ask, operation, busy, request, until_s)
        else:
            self._operations.finish(operation, replies[busy[0]])
