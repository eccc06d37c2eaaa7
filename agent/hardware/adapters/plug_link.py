# SPDX-License-Identifier: Apache-2.0
"""A small MQTT client for one plug: connects by itself again and again, and never keeps a command for later."""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from agent.mqtt.short_thread import ShortThread

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from agent.mqtt.url import BrokerUrl

log = logging.getLogger(__name__)

KEEPALIVE_S = 15
CONNECT_S = 5.0
RECONNECT_S = (1, 30)
MAX_PAYLOAD_BYTES = 16_384
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: what was not sent yet is dropped when the socket is closed."""


class PlugUser(Protocol):
    """Who uses the link. Called on the loop's thread."""

    def link_up(self) -> None:
        """Every topic is subscribed to."""
        ...

    def link_down(self, why: str) -> None: ...

    def heard(self, topic: str, payload: bytes, retained: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class PlugBroker:
    """Where and how to connect. `password` is never shown."""

    url: BrokerUrl
    password: str | None
    ca_file: str

    def __repr__(self) -> str:
        return str(self.url)


class PlugLink:
    """Methods are for the loop's thread; paho works on a thread of its own."""

    def __init__(
        self,
        broker: PlugBroker,
        topics: tuple[str, ...],
        wishes: tuple[str, ...],
        user: PlugUser,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`wishes` are topics that the broker may refuse. Raises OSError, ValueError for certificates that are none."""
        self._topics = topics
        self._wishes = wishes
        self._user = user
        self._loop = loop
        self._up = False
        self._refused = False
        self._broker = broker
        url = broker.url
        client = self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"pgood-plug-{secrets.token_hex(6)}",
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            transport=url.transport.value,
        )
        client.connect_timeout = CONNECT_S
        client.reconnect_delay_set(*RECONNECT_S)
        if url.user:
            client.username_pw_set(url.user, broker.password)
        if url.tls:
            client.tls_set(ca_certs=broker.ca_file or None)
        if url.path and url.transport.value == "websockets":
            client.ws_set_options(path=url.path)
        client.on_connect = lambda _c, _d, _f, reason, _p: self._post(self._connected, reason.is_failure, str(reason))
        client.on_connect_fail = lambda _c, _d: self._post(self._lost, "it cannot be reached")
        client.on_disconnect = lambda _c, _d, _f, reason, _p: self._post(self._cut, str(reason))
        client.on_subscribe = lambda _c, _d, _m, reasons, _p: self._post(
            self._subscribed, [reason.is_failure for reason in reasons]
        )
        client.on_message = lambda _c, _d, message: self._post(
            self._heard, message.topic, bytes(message.payload[:MAX_PAYLOAD_BYTES]), message.retain
        )

    def start(self) -> None:
        url = self._broker.url
        unix = url.transport.value == "unix"
        self._client.connect_async(url.path if unix else url.host, url.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    @property
    def up(self) -> bool:
        return self._up

    def send(self, topic: str, payload: str) -> bool:
        """Publish now or not at all: QoS 0, not retained; nobody keeps it for later. False = it was not sent."""
        if not self._up:
            return False
        return self._client.publish(topic, payload, qos=0, retain=False).rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def hear_again(self, topic: str) -> None:
        """Have the broker send what it retains on a topic."""
        if self._up:
            self._client.unsubscribe(topic)
            self._client.subscribe(topic, qos=0)

    def drop(self) -> None:
        """Cut the connection with everything that still waits in it, and connect anew."""
        stuck = self._client.socket()
        if isinstance(stuck, socket.socket):
            with contextlib.suppress(OSError):
                stuck.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                stuck.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Say goodbye. Waits for paho's thread without holding up the loop."""
        self._user = _Nobody()
        self._client.disconnect()
        await ShortThread("plug-end").run(self._client.loop_stop, lambda _: None)

    # ------------------------------------------------------------------ on the loop's thread

    def _connected(self, refused: bool, why: str) -> None:
        self._refused = refused
        if refused:
            self._lost(f"it refuses us: {why}")
        else:
            self._client.subscribe([(topic, 0) for topic in (*self._topics, *self._wishes)])

    def _subscribed(self, refused: list[bool]) -> None:
        if self._up:
            return
        denied = [topic for topic, no in zip(self._topics, refused, strict=False) if no]
        if denied:
            self._lost(f"it does not let us read {denied[0]!r}")
            return
        self._up = True
        self._user.link_up()

    def _cut(self, why: str) -> None:
        if not self._refused:  # else the better reason was told already
            self._lost(why)

    def _lost(self, why: str) -> None:
        self._up = False
        self._user.link_down(why)

    def _heard(self, topic: str, payload: bytes, retained: bool) -> None:
        self._user.heard(topic, payload, retained)

    def _post(self, call: Callable[..., None], *args: object) -> None:
        """From paho's thread to the loop's; the loop may be gone already."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *args)


class _Nobody:
    """Hears nothing any more."""

    def link_up(self) -> None: ...

    def link_down(self, why: str) -> None: ...

    def heard(self, topic: str, payload: bytes, retained: bool) -> None: ...
