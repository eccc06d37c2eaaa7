# SPDX-License-Identifier: Apache-2.0
"""The fleet's messenger on an MQTT broker: what a plain broker does not have is made of retained messages.

Leases are in mqtt_leases.py and have a connection of their own, keys are in mqtt_keys.py.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.fleet.broker_client import BrokerClient
from agent.fleet.bus import matches
from agent.fleet.mqtt_keys import MqttKeys
from agent.fleet.mqtt_leases import MqttLeases
from agent.mqtt import topics
from agent.mqtt.message import Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent.fleet.bus import Entry, Lease, Message
    from agent.mqtt.config import MqttConfig

BASE = "pgood/fleet"
KEEPALIVE_S = 10
LONGEST_RETRY_S = 10.0
"""While nobody coordinates, every node keeps its base: that must not go on for long after a broker is back."""
QUEUE = 20_000
"""A subscriber that does not read loses what comes beyond it, and it is counted."""


@dataclass(slots=True, eq=False)
class _Subscription:
    pattern: str
    queue: asyncio.Queue[Message | None]


class MqttBus:
    """One client's `NodeBus`; connected again by itself whenever the broker is there. Used on the asyncio loop only."""

    def __init__(self, config: MqttConfig, *, visitor: bool = False) -> None:
        """From `config` are used the broker, its credentials and certificates, and `client_id`.

        A visitor leaves nothing on the broker: neither that it is there nor, at its end, that it was.
        Raises ValueError if it names several brokers: each would give the same lease to somebody else.
        """
        if config.fallbacks:
            raise ValueError("mqtt.fallback_urls: all of a fleet use one broker: remove it")
        claimant = f"{config.client_id}:{secrets.token_hex(8)}"
        self.lost = 0
        """Messages for subscribers that did not read."""
        self._subscriptions: list[_Subscription] = []
        ours = _client_config(config, config.client_id)
        if visitor:
            nothing = (f"{ours.base}/{topics.STATUS}", b"")
            ours = replace(ours, will=lambda: nothing)
        self._client = BrokerClient(ours, self, told=not visitor)
        leases = replace(_client_config(config, f"{config.client_id}-lease"), will=None)
        self._leases = MqttLeases(leases, BASE, claimant, boot_clock_ns)
        self._keys = MqttKeys(self._client, BASE, claimant)

    def start(self) -> None:
        """Connect, now or when the broker comes."""
        self._client.start()

    async def close(self) -> None:
        """Give the leases back, say goodbye; readers of subscriptions come to their end."""
        await self._leases.close()
        await self._client.close()
        for subscription in self._subscriptions:
            if subscription.queue.full():
                subscription.queue.get_nowait()
            subscription.queue.put_nowait(None)

    @property
    def text(self) -> str:
        """What the connection does, for a person."""
        return self._client.text

    @property
    def connected(self) -> bool:
        return self._client.connected

    @property
    def connection(self) -> int:
        return self._client.connection

    def renew(self) -> None:
        self._client.renew()

    @property
    def malformed_claims(self) -> int:
        """So many messages on the leases' topics were no claims."""
        return self._leases.malformed

    # ------------------------------------------------------------------ Bus

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 0) -> None:
        await self._client.publish(Outgoing(topic, payload, qos, retain))

    def subscribe(self, pattern: str) -> AsyncGenerator[Message, None]:
        """As `Bus.subscribe`; goes on over any number of connections, what is retained comes first after each."""
        subscription = _Subscription(pattern, asyncio.Queue(QUEUE))
        self._subscriptions.append(subscription)
        self._client.subscribe(pattern)
        return self._read(subscription)

    async def lease(self, name: str, ttl_s: float, *, above: int = 0) -> Lease | None:
        return await self._leases.lease(name, ttl_s, above)

    async def release(self, name: str) -> None:
        self._leases.release(name)

    async def get(self, key: str) -> Entry | None:
        return await self._keys.get(key)

    async def put(self, key: str, value: bytes, *, revision: int | None = None) -> int:
        return await self._keys.put(key, value, revision=revision)

    async def delete(self, key: str) -> None:
        await self._keys.put(key, None)

    # ------------------------------------------------------------------ what the client tells

    def heard(self, message: Message) -> None:
        self._keys.heard(message)
        for subscription in self._subscriptions:
            if matches(subscription.pattern, message.topic):
                try:
                    subscription.queue.put_nowait(message)
                except asyncio.QueueFull:
                    self.lost += 1

    def subscribed(self, pattern: str) -> None:
        self._keys.subscribed(pattern)

    def cut_off(self) -> None:
        self._keys.cut_off()

    async def _read(self, subscription: _Subscription) -> AsyncGenerator[Message, None]:
        try:
            while (message := await subscription.queue.get()) is not None:
                yield message
        finally:
            self._subscriptions.remove(subscription)
            self._client.unsubscribe(subscription.pattern)


def boot_clock_ns() -> int:
    """Monotonic, and goes on while the machine is suspended: a lease must not outlast a nap."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _client_config(config: MqttConfig, client_id: str) -> MqttConfig:
    return replace(
        config,
        client_id=client_id,
        base=f"{BASE}/client/{client_id}",
        keepalive_s=KEEPALIVE_S,
        longest_retry_s=LONGEST_RETRY_S,
    )
