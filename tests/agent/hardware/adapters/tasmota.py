# SPDX-License-Identifier: Apache-2.0
"""A plug that behaves as Tasmota does: commands and answers, a last will, a relay that can be pressed by hand."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from agent.hardware.adapters.interface import Level
from tests.agent.mqtt.brokers import HOST, PATIENCE_S

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage, MQTTMessageInfo

    from tests.agent.mqtt.brokers import Mosquitto

COMMAND, STATE, LWT = "cmnd/plug/POWER", "stat/plug/POWER", "tele/plug/LWT"


class Tasmota:
    """Its own thread; comes back when the broker does. Also the World of the conformance test."""

    def __init__(self, broker: Mosquitto) -> None:
        self.on = False
        self.stuck = False
        """Takes commands and does nothing."""
        self.mute = False
        """Switches and says nothing."""
        self.taken: list[str] = []
        self._broker = broker
        self._ready = threading.Event()
        self._greeting: list[MQTTMessageInfo] = []
        client = self._client = Client(CallbackAPIVersion.VERSION2, client_id="tasmota")
        client.will_set(LWT, "Offline", retain=True)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._command
        client.connect(HOST, broker.port, keepalive=10)
        client.loop_start()
        self._wait_ready()

    def _connected(self, *_: object) -> None:
        self._client.subscribe(COMMAND)

    def _subscribed(self, *_: object) -> None:
        self._greeting = [self._client.publish(LWT, "Online", qos=1, retain=True)]
        if not self.mute:
            self._greeting.append(self._client.publish(STATE, self._state(), qos=1))
        self._ready.set()

    def _wait_ready(self) -> None:
        """Until the broker has its greeting: whoever asks later does not hear that for an answer."""
        assert self._ready.wait(PATIENCE_S)
        for message in self._greeting:
            message.wait_for_publish(PATIENCE_S)
            assert message.is_published()

    def _command(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        word = message.payload.decode()
        if word:
            self.taken.append(word)
            if not self.stuck:
                self.on = word == "ON"
        self._say()

    def _say(self) -> None:
        if not self.mute:
            self._client.publish(STATE, self._state())

    def _state(self) -> str:
        return "ON" if self.on else "OFF"

    def vanish(self) -> None:
        """Out of the wall: the broker sends the last will."""
        stuck = self._client.socket()
        self._client.reconnect_delay_set(3600, 3600)
        self._client._reconnect_on_failure = False
        if stuck is not None:
            stuck.close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    # ------------------------------------------------------------------ World

    async def become(self, level: Level) -> None:
        """Its own button."""
        self.on = level is Level.ON
        self._say()

    async def level(self) -> Level:
        return Level.ON if self.on else Level.OFF

    async def commands(self) -> int:
        return len(self.taken)

    async def cut(self) -> bool:
        await asyncio.to_thread(self._broker.kill)
        return True

    async def mend(self) -> None:
        self._ready.clear()
        await asyncio.to_thread(self._broker.start)
        await asyncio.to_thread(self._wait_ready)
