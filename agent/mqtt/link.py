# SPDX-License-Identifier: Apache-2.0
"""One connection to a broker, driven by the asyncio loop, from the sent CONNECT to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

from paho.mqtt.client import MQTT_ERR_SUCCESS
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.mqtt.dial import MAX_INCOMING_BYTES, hang_up
from agent.mqtt.ending import Ending, EndingKind, connect_refusal, disconnection
from agent.mqtt.message import Incoming
from agent.mqtt.properties import disconnect_properties, publish_properties, told
from agent.mqtt.retry import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from agent.mqtt.message import Outgoing

log = logging.getLogger(__name__)

MISC_S = 1.0
"""How often keep-alives are looked at."""
LARGEST_BYTES = 268_435_455
"""The longest packet of the protocol (MQTT 5.0, 2.1.4)."""


class LinkUser(Protocol):
    """Who is told what comes over a link. Called on the loop's thread."""

    def received(self, message: Incoming) -> None: ...


class Link:
    """Used on the loop's thread only. paho's callbacks come on it too: from reads, writes and the timer here."""

    def __init__(self, client: Client, version: Version, base: str, user: LinkUser, inflight: int) -> None:
        """Takes over a client that has sent CONNECT."""
        self.version = version
        self.window = inflight
        """So many messages may be unacknowledged."""
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._client = client
        self._base = base
        self._user = user
        self._loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._accepted_at_s: float | None = None
        self._settle: dict[int, Callable[[int], None]] = {}
        self._subscriptions: dict[int, asyncio.Future[list[int]]] = {}
        self._largest = LARGEST_BYTES
        self._highest_qos = 2
        self._retain = True
        self._reading: int | None = None
        self._writing: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._adopt()

    # ------------------------------------------------------------------ use

    async def accepted(self, within_s: float) -> Ending | None:
        """Wait for the broker's answer to CONNECT; None = accepted."""
        await asyncio.wait((self._accepted, self.ended), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if self._accepted.done():
            return None
        if not self.ended.done():
            self._end(Ending(EndingKind.SILENT, f"the broker does not answer CONNECT within {within_s:g} s"))
        return self.ended.result()

    def publish(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """Send; `settled(reason code)` follows when the broker has acknowledged (QoS 1) or the socket took it (QoS 0).

        It never follows when the link ends before. Raises ValueError when the broker cannot take such a message.
        """
        if len(message.payload) + len(message.topic) + 64 > self._largest:
            raise ValueError(f"{message.topic}: {len(message.payload)} bytes are more than the broker takes")
        properties = None
        if self.version is Version.V5 and message.correlation is not None:
            properties = publish_properties(correlation=message.correlation)
        info = self._client.publish(
            message.topic,
            message.payload,
            min(message.qos, self._highest_qos),
            message.retain and self._retain,
            properties,
        )
        if info.rc != MQTT_ERR_SUCCESS:
            self._end(Ending(EndingKind.LOST, f"paho refuses to send: {info.rc.name}", self._lasted_s()))
            return
        self._settle[info.mid] = settled

    @property
    def unsettled(self) -> int:
        return len(self._settle)

    def subscribe(self, filters: Sequence[str], *, as_published: bool = True) -> asyncio.Future[list[int]]:
        """Send SUBSCRIBE at once; the reason codes, one per absolute filter, follow. Given up when the link ends.

        `as_published` (5.0): a message that was published retained says so even while live.
        """
        if self.version is Version.V5:
            # Retain-as-published shows who published a command retained: refused with a reason, even while live.
            options = SubscribeOptions(qos=1, retainAsPublished=as_published)
            _result, mid = self._client.subscribe([(topic, options) for topic in filters])
        else:
            _result, mid = self._client.subscribe([(topic, 1) for topic in filters])
        answer: asyncio.Future[list[int]] = self._loop.create_future()
        if mid is None:
            self.abort("paho refuses to subscribe")
            answer.cancel()
        else:
            self._subscriptions[mid] = answer
        return answer

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Send UNSUBSCRIBE; messages that are under way may still come."""
        self._client.unsubscribe(list(filters))

    async def disconnect(self, within_s: float) -> None:
        """Say goodbye, so that the broker does not send the will; then the link is ended."""
        if not self.ended.done():
            properties = disconnect_properties(session_expiry_s=0) if self.version is Version.V5 else None
            with contextlib.suppress(OSError):
                self._client.disconnect(properties=properties)
            await asyncio.wait((self.ended,), timeout=within_s)
        self.abort("closed")

    def abort(self, why: str, kind: EndingKind = EndingKind.LOST) -> None:
        """End at once; the broker sends the will."""
        self._end(Ending(kind, why, self._lasted_s()))

    # ------------------------------------------------------------------ the socket

    def _adopt(self) -> None:
        client = self._client
        connection = client.socket()
        if connection is None:
            self._end(Ending(EndingKind.HUNG_UP, "the broker closed the connection at once"))
            return
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_socket_close = lambda _client, _data, _socket: self._forget_socket()
        client.on_socket_register_write = lambda _client, _data, _socket: self._want_write()
        client.on_socket_unregister_write = lambda _client, _data, _socket: self._done_writing()
        self._reading = connection.fileno()
        self._loop.add_reader(self._reading, self._readable)
        if client.want_write():
            self._want_write()
        if _pending(client):
            self._loop.call_soon(self._readable)
        self._timer = self._loop.call_later(MISC_S, self._misc)

    def _readable(self) -> None:
        if self._reading is None:
            return
        self._guarded(self._client.loop_read)
        if self._reading is None:
            return
        if self._incoming_bytes() > MAX_INCOMING_BYTES:
            self._end(Ending(EndingKind.LOST, "the broker sends a message that is too long", self._lasted_s()))
        elif _pending(self._client):  # decrypted bytes wait inside TLS where the selector does not see them
            self._loop.call_soon(self._readable)

    def _incoming_bytes(self) -> int:
        """Length of the packet that is being received: paho would collect up to 256 MB and has no public limit."""
        packet: dict[str, Any] = getattr(self._client, "_in_packet", {})
        return int(packet.get("remaining_length", 0))

    def _want_write(self) -> None:
        if self._writing is None and self._reading is not None:
            self._writing = self._reading
            self._loop.add_writer(self._writing, self._writable)

    def _writable(self) -> None:
        self._guarded(self._client.loop_write)

    def _done_writing(self) -> None:
        if self._writing is not None:
            self._loop.remove_writer(self._writing)
            self._writing = None

    def _misc(self) -> None:
        self._guarded(self._client.loop_misc)
        if self._reading is not None:
            self._timer = self._loop.call_later(MISC_S, self._misc)

    def _forget_socket(self) -> None:
        self._done_writing()
        if self._reading is not None:
            self._loop.remove_reader(self._reading)
            self._reading = None

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # paho raises whatever a malformed packet makes it trip over
            log.debug("MQTT: %s", error, exc_info=True)
            text = f"the broker sends what is no MQTT: {type(error).__name__}: {error}"
            kind = EndingKind.LOST if self._accepted.done() else EndingKind.HUNG_UP
            self._end(Ending(kind, text, self._lasted_s()))

    # ------------------------------------------------------------------ the end

    def _end(self, ending: Ending) -> None:
        if self.ended.done():
            return
        self.ended.set_result(ending)
        if self._timer is not None:
            self._timer.cancel()
        self._forget_socket()
        client = self._client
        client.on_connect = client.on_disconnect = client.on_publish = None
        client.on_subscribe = client.on_message = client.on_socket_close = None
        client.on_socket_register_write = client.on_socket_unregister_write = None
        self._settle.clear()
        for answer in self._subscriptions.values():
            answer.cancel()
        self._subscriptions.clear()
        hang_up(client)

    def _lasted_s(self) -> float:
        """At least a little once the broker has accepted: 0 means that it never did."""
        return 0.0 if self._accepted_at_s is None else max(1e-3, time.monotonic() - self._accepted_at_s)

    # ------------------------------------------------------------------ paho calls

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._end(connect_refusal(reason.value, reason.getName()))
            return
        limits = told(properties)
        self.window = max(1, min(self.window, limits.get("ReceiveMaximum", self.window)))
        self._largest = limits.get("MaximumPacketSize", self._largest)
        self._highest_qos = limits.get("MaximumQoS", self._highest_qos)
        self._retain = bool(limits.get("RetainAvailable", 1))
        self._accepted_at_s = time.monotonic()
        if not self._accepted.done():
            self._accepted.set_result(None)

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if not self._accepted.done():
            self._end(Ending(EndingKind.HUNG_UP, "the broker closed the connection instead of an answer to CONNECT"))
            return
        by_broker = flags.is_disconnect_packet_from_server
        self._end(disconnection(reason.value, reason.getName(), by_broker=by_broker, lasted_s=self._lasted_s()))

    def _on_publish(
        self, _client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        settled = self._settle.pop(mid, None)
        if settled is not None:
            # Later, outside of paho: it publishes nothing while it is in a callback.
            self._loop.call_soon(settled, reason.value)

    def _on_subscribe(
        self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: Properties
    ) -> None:
        answer = self._subscriptions.pop(mid, None)
        if answer is not None and not answer.done():
            answer.set_result([reason.value for reason in reasons])

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        prefix = self._base + "/"
        foreign = not topic.startswith(prefix)
        properties = told(message.properties)
        incoming = Incoming(
            topic=topic if foreign else topic.removeprefix(prefix),
            payload=bytes(message.payload),
            retained=message.retain,
            duplicate=message.dup,
            expiry_s=properties.get("MessageExpiryInterval"),
            response_topic=properties.get("ResponseTopic", ""),
            correlation=properties.get("CorrelationData"),
            foreign=foreign,
        )
        self._loop.call_soon(self._user.received, incoming)


def _pending(client: Client) -> bool:
    connection = client.socket()
    # A websocket of the client library has the method too, and over plain TCP it says 0.
    waiting = getattr(connection, "pending", None)
    return waiting is not None and waiting() > 0
