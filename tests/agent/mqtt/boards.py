# SPDX-License-Identifier: Apache-2.0
"""A board in memory for the MQTT face, and the bus it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events.bus import EventBus
from agent.events.event import EventKind
from agent.mqtt.inventory import HostItem, Inventory, SensorItem, SupplyItem
from agent.power.request import Action, Reply, Verdict

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from agent.events.event import Event
    from agent.power.request import Request
    from agent.requests.endpoint import Endpoint


INVENTORY = Inventory(
    board="bench-1234",
    version="1.0",
    manufacturer="pgood",
    product="Bench",
    part_number="B-1",
    hosts=(HostItem("0", frozenset(Action)),),
    supplies=(SupplyItem("1", "PGOOD", "CRPS", "S1", "A"), SupplyItem("2")),
    sensors=(SensorItem("inlet", "Inlet"),),
    cold_redundancy=True,
    event_kinds=tuple(kind.value for kind in EventKind),
)


class MemoryBoard:
    """Implements agent.mqtt.board.MqttBoard: one host that obeys at once, two supplies, no time."""

    board_id = "bench-1234"
    hosts = ("0",)

    def __init__(self) -> None:
        self.version = "1"
        self.powered = False
        self.enabled = True
        self.requests: list[Request] = []
        self.changes: list[dict[str, object]] = []
        self.slow: asyncio.Event | None = None
        """Commands wait for it."""
        self.broken: Exception | None = None
        """Commands raise it."""
        self.readings: dict[str, object] = {"supplies": {"1": {"pout_w": 120.5, "vin_v": None}}}
        self.parts = INVENTORY
        self.methods: dict[str, Endpoint] = {}
        self._watchers: list[Callable[[str], None]] = []

    def documents(self) -> Mapping[str, object]:
        return {
            "info": {"board": self.board_id, "version": self.version},
            "host/0/state": {"state": "on" if self.powered else "off", "powered": self.powered},
            "psu/1/state": {"health": "ok"},
            "redundancy/state": {"enabled": self.enabled},
            "policies/state": {"restore": "off"},
        }

    def endpoints(self) -> Mapping[str, Endpoint]:
        return self.methods

    def inventory(self) -> Inventory:
        return self.parts

    def watch(self, changed: Callable[[str], None]) -> None:
        self._watchers.append(changed)

    def tell(self, source: str) -> None:
        for changed in self._watchers:
            changed(source)

    def telemetry(self) -> Mapping[str, object]:
        return self.readings

    async def act(self, host: str, request: Request) -> Reply:
        if host not in self.hosts:
            raise KeyError(host)
        self.requests.append(request)
        if self.broken is not None:
            raise self.broken
        if self.slow is not None:
            await self.slow.wait()
        if request.action in (Action.ON, Action.SOFT_OFF, Action.FORCE_OFF):
            self.powered = request.action is Action.ON
            self.tell("host/0")
        return Reply(Verdict.DONE)

    async def configure_redundancy(self, change: Mapping[str, object], origin: str) -> Reply:
        self.changes.append(dict(change))
        if "enabled" in change:
            self.enabled = bool(change["enabled"])
            self.tell("redundancy")
        return Reply(Verdict.DONE)


class NoJournal:
    """Events of these tests are not stored."""

    async def write(self, events: Sequence[Event]) -> None:
        pass


def new_bus() -> EventBus:
    bus = EventBus(NoJournal(), 1, "boot-1")
    bus.start()
    return bus
