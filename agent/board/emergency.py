# SPDX-License-Identifier: Apache-2.0
"""Switches hosts off for safety's sake, straight through their state machines. Used on the loop's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.request import Action, Reply, Request, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from agent.power.host import Host
    from agent.power.operations import Operations


class HostEmergency:
    """Implements agent.power.gate.EmergencyPath for a board whose only domains are its hosts."""

    def __init__(self, hosts: Mapping[str, Host], operations: Operations) -> None:
        self._hosts = hosts
        self._operations = operations

    def soft_off(self, domains: Collection[str], origin: str, why: str) -> str:
        return self._ask(Action.SOFT_OFF, domains, origin, why)

    def emergency_off(self, domains: Collection[str], origin: str, why: str) -> str:
        return self._ask(Action.FORCE_OFF, domains, origin, why)

    def _ask(self, action: Action, domains: Collection[str], origin: str, why: str) -> str:
        operation = self._operations.begin(action.value, tuple(domains), origin)
        self._operations.step(operation, why)
        replies = [
            host.ask(Request(action, origin, force=True))[0] for host in self._hosts.values() if host.source in domains
        ]
        bad = [reply for reply in replies if not reply.verdict.good]
        self._operations.finish(operation, bad[0] if bad else Reply(Verdict.DONE))
        return operation
