# SPDX-License-Identifier: Apache-2.0
"""What a coordinator answers at its local socket: how it stands, why a node has its cap, emergencies and the farm."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from agent.control.server import Entry, Peer, RequestError
from agent.fleet.budget.emergencies.emergency import EmergencyKind
from agent.fleet.budget.emergencies.emergency_messages import Seconds, Signal
from agent.fleet.farm.program import NotHandedBack
from agent.fleet.program.coordinator_status import NO_BUDGET, explanation, status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.fleet.farm.program import Farm
    from agent.fleet.mqtt_bus import MqttBus
    from agent.fleet.program.budget_program import BudgetProgram


class _OfNode(msgspec.Struct, forbid_unknown_fields=True):
    node: str


class _Emergency(msgspec.Struct, forbid_unknown_fields=True):
    kind: EmergencyKind
    group: str
    present: bool
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    critical: bool = False
    for_s: Seconds | None = None


class CoordinatorMethods:
    """Used on the loop's thread."""

    def __init__(self, domain: str, bus: MqttBus, budget: BudgetProgram | None, farm: Farm | None) -> None:
        self._domain = domain
        self._bus = bus
        self._budget = budget
        self._farm = farm

    def table(self) -> Mapping[str, Entry]:
        return {
            "status": Entry(False, serve=self._status),
            "explain": Entry(False, serve=self._explain),
            "emergency": Entry(True, serve=self._emergency),
            "farm": Entry(False, serve=self._farm_status),
            "farm-release": Entry(True, serve=self._farm_release),
        }

    def may_act(self, peer: Peer) -> bool:
        """Root, and whoever it runs as."""
        return peer.uid in (0, os.getuid())

    async def _status(self, _given: Mapping[str, Any], _peer: Peer) -> object:
        budget = self._budget
        return {
            "domain": self._domain,
            "broker": self._bus.text,
            "lost": self._bus.lost,
            "malformed_claims": self._bus.malformed_claims,
            "farm_leads": None if self._farm is None else self._farm.leads,
            **(NO_BUDGET if budget is None else status(budget.coordinator, budget.parent_bus)),
        }

    async def _explain(self, given: Mapping[str, Any], _peer: Peer) -> object:
        coordinator = self._the_budget().coordinator
        node = msgspec.convert(given, _OfNode).node
        try:
            why = coordinator.explain(node)
        except KeyError as error:
            raise RequestError(_unknown("node", node, coordinator.tree.nodes)) from error
        if why is None or not coordinator.leads:
            raise RequestError(
                f"this coordinator does not lead, so it knows no reasons ({self._bus.text}): ask the other"
            )
        return explanation(why)

    async def _emergency(self, given: Mapping[str, Any], _peer: Peer) -> object:
        coordinator = self._the_budget().coordinator
        asked = msgspec.convert(given, _Emergency)
        signal = Signal(present=asked.present, share=asked.share, critical=asked.critical, for_s=asked.for_s)
        was_running = (asked.kind, asked.group) in coordinator.desk.running
        try:
            told = await coordinator.emergencies.say(asked.kind, asked.group, signal, coordinator.clock())
        except KeyError as error:
            raise RequestError(_unknown("group", asked.group, coordinator.tree.groups)) from error
        return {"told": told, "leads": coordinator.leads, "was_running": was_running}

    async def _farm_status(self, _given: Mapping[str, Any], _peer: Peer) -> object:
        return {"broker": self._bus.text, **self._the_farm().status()}

    async def _farm_release(self, given: Mapping[str, Any], peer: Peer) -> object:
        node = msgspec.convert(given, _OfNode).node
        try:
            return {"text": await self._the_farm().hand_back(node, peer.name)}
        except NotHandedBack as error:
            raise RequestError(str(error)) from error

    def _the_budget(self) -> BudgetProgram:
        if self._budget is None:
            raise RequestError("the file has no groups: no power is shared here")
        return self._budget

    def _the_farm(self) -> Farm:
        if self._farm is None:
            raise RequestError("the file has no table [farm] (docs/fleet-farm.md)")
        return self._farm


def _unknown(what: str, name: str, names: Mapping[str, object]) -> str:
    return f"there is no {what} {name!r} in the file; there are: {', '.join(sorted(names)[:20])}"
