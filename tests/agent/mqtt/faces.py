# SPDX-License-Identifier: Apache-2.0
"""A running MQTT face over a board in memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.mqtt.config import mqtt_config
from agent.mqtt.face import MqttFace
from agent.profile.site import SiteMqtt
from tests.agent.mqtt.boards import MemoryBoard, new_bus
from tests.agent.mqtt.brokers import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.events.bus import EventBus
    from agent.mqtt.config import MqttConfig

BASE = f"pgood/{MemoryBoard.board_id}"


@dataclass(frozen=True)
class Running:
    face: MqttFace
    board: MemoryBoard
    bus: EventBus

    async def connected(self) -> None:
        await eventually(lambda: self.face.status().connected, "a connection")

    async def taking_commands(self) -> None:
        """The subscriptions stand and the quiet time is over."""
        desk = self.face._desk
        await eventually(lambda: desk.admission._open_from_s is not None, "the subscription")
        await eventually(lambda: desk._monotonic_s() > (desk.admission._open_from_s or 0), "the quiet time")


def config(url: str, **changes: Any) -> MqttConfig:
    made = mqtt_config(SiteMqtt(), MemoryBoard.board_id, url=url, telemetry_interval_s=0.5)
    assert made is not None
    return replace(made, **{"will_delay_s": 0, **changes})


@contextlib.asynccontextmanager
async def running(url: str, **changes: Any) -> AsyncIterator[Running]:
    board, bus = MemoryBoard(), new_bus()
    face = MqttFace(config(url, **changes), board, bus)
    face.start()
    try:
        yield Running(face, board, bus)
    finally:
        await face.close()
        await bus.close()
