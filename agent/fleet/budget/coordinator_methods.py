# SPDX-License-Identifier: Apache-2.0
"""What a coordinator answers at its local socket: how it stands, why a node has its cap, and emergencies."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from agent.control.server import Entry, Peer, RequestError
from agent.fleet.budget.coordinator_status import explanation, status
from agent.fleet.budget.emergency import EmergencyKind
from agent.fleet.budget.emergency_messages import Seconds, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.fleet.budget.coordinator import Coordinator
    from agent.fleet.mqtt_bus import MqttBus


class _Why(msgspec.Struct, forbid_unknown_fields=True):
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

    def __init__(self, coordinator: Coordinator, bus: MqttBus, parent_bus: MqttBus | None) -> None:
        """`parent_bus`: where the parent has a broker of its own."""
        self._coordinator = coordinator
        self._bus = bus
        self._parent_bus = parent_bus

    def table(self) -> Mapping[str, Entry]:
        return {
            "status": Entry(False, serve=self._status),
            "explain": Entry(False, serve=self._explain),
            "emergency": Entry(True, serve=self._emergency),
        }

    def may_act(self, peer: Peer) -> bool:
        """Root, and whoever it runs as."""
        return peer.uid in (0, os.getuid())

    async def _status(self, _given: Mapping[str, Any], _peer: Peer) -> object:
        return status(self._coordinator, self._bus, self._parent_bus)

    async def _explain(self, given: Mapping[str, Any], _peer: Peer) -> object:
        node = msgspec.convert(given, _Why).node
        try:
            why = self._coordinator.explain(node)
        except KeyError as error:
            raise RequestError(_unknown("node", node, self._coordinator.tree.nodes)) from error
        if why is None or not self._coordinator.leads:
            raise RequestError(
                f"this coordinator does not lead, so it knows no reasons ({self._bus.text}): ask the other"
            )
        return explanation(why)

    async def _emergency(self, given: Mapping[str, Any], _peer: Peer) -> object:
        asked = msgspec.convert(given, _Emergency)
        signal = Signal(present=asked.present, share=asked.share, critical=asked.critical, for_s=asked.for_s)
        coordinator = self._coordinator
        try:
            told = await coordinator.emergencies.say(asked.kind, asked.group, signal, coordinator.clock())
        except KeyError as error:
            raise RequestError(_unknown("group", asked.group, coordinator.tree.groups)) from error
        return {"told": told, "leads": coordinator.leads}


def _unknown(what: str, name: str, names: Mapping[str, object]) -> str:
    return f"there is no {what} {name!r} in the file; there are: {', '.join(sorted(names)[:20])}"
