# SPDX-License-Identifier: Apache-2.0
"""Tries a broker as the agent will use it: connects, subscribes, hears a message of its own. Leaves nothing there."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from agent.mqtt.dial import MAX_INCOMING_BYTES, hang_up, new_client, why_unreachable
from agent.mqtt.ending import EndingKind
from agent.mqtt.link import Link
from agent.mqtt.message import Outgoing
from agent.mqtt.properties import connect_properties
from agent.mqtt.retry import Version
from agent.mqtt.short_thread import ShortThread
from agent.mqtt.url import Transport

if TYPE_CHECKING:
    from paho.mqtt.client import Client

    from agent.mqtt.config import MqttConfig
    from agent.mqtt.ending import Ending
    from agent.mqtt.message import Incoming

ANSWER_S = 5.0
TOPIC = "setup-probe"
FAILURE = 0x80
OLDER_MAY_HELP = frozenset({EndingKind.VERSION_REFUSED, EndingKind.HUNG_UP, EndingKind.SILENT})
"""What brokers do that know only MQTT 3.1.1."""
CURES: dict[EndingKind, str] = {
    EndingKind.REFUSED: "check user and password (--mqtt-user, --mqtt-password-file) and whether the broker lets this"
    " user in; a broker without anonymous access wants both",
    EndingKind.UNAVAILABLE: "look at the broker's log",
    EndingKind.SILENT: "is it an MQTT broker, and is TLS meant (mqtts://, port 8883) or not (mqtt://, port 1883)?",
    EndingKind.HUNG_UP: "is it an MQTT broker, and is TLS meant (mqtts://, port 8883) or not (mqtt://, port 1883)?",
}


class ProbeError(Exception):
    """The broker cannot be used like this; one sentence with the cure."""


def probe_broker(config: MqttConfig) -> Version:
    """The protocol version that works. Blocks for at most half a minute. Raises ProbeError."""
    try:
        return asyncio.run(_probe(config, Version.V5))
    except _TryOlder:
        return asyncio.run(_probe(config, Version.V311))


class _TryOlder(Exception):
    """Once more, with MQTT 3.1.1."""


class _Ear:
    """Waits for one message."""

    def __init__(self, payload: bytes) -> None:
        self.heard = asyncio.Event()
        self.payload = payload

    def received(self, message: Incoming) -> None:
        if message.topic == TOPIC and message.payload == self.payload:
            self.heard.set()


async def _probe(config: MqttConfig, version: Version) -> Version:
    client = await ShortThread("setup-probe").run(lambda: _connect(config, version), hang_up)
    ear = _Ear(secrets.token_hex(8).encode())
    link = Link(client, version, config.base, ear, config.inflight)
    try:
        refused = await link.accepted(config.answer_timeout_s)
        if refused is not None:
            if version is Version.V5 and refused.kind in OLDER_MAY_HELP:
                raise _TryOlder
            raise ProbeError(_with_cure(config, refused))
        await _echo(config, link, ear)
    finally:
        await link.disconnect(ANSWER_S)
    return version


def _connect(config: MqttConfig, version: Version) -> Client:
    """On a thread: a name lookup, TCP and TLS block. Raises ProbeError."""
    url = config.url
    host, port = (url.path, 1) if url.transport is Transport.UNIX else (url.host, url.port)
    try:
        client = new_client(config, version)
        client.will_clear()
        if version is Version.V5:
            properties = connect_properties(session_expiry_s=0, maximum_packet_bytes=MAX_INCOMING_BYTES)
            client.connect(host, port, config.keepalive_s, clean_start=True, properties=properties)
        else:
            client.connect(host, port, config.keepalive_s)
    except ConnectionRefusedError as error:
        raise ProbeError(
            f"{url}: nobody listens there: is the broker running, and does it listen to other machines? (mosquitto"
            " without a 'listener' line answers its own machine only)"
        ) from error
    except (OSError, ValueError) as error:
        raise ProbeError(why_unreachable(error, config)) from error
    return client


async def _echo(config: MqttConfig, link: Link, ear: _Ear) -> None:
    """Raises ProbeError."""
    topic, cure = (
        f"{config.base}/{TOPIC}",
        f"let this user read and write {config.base.split('/')[0]}/# (the broker's ACL)",
    )
    try:
        (granted,) = await asyncio.wait_for(link.subscribe([topic]), ANSWER_S)
    except (TimeoutError, asyncio.CancelledError, ValueError):
        granted = FAILURE
    if granted >= FAILURE:
        raise ProbeError(f"{config.url}: the broker lets us in, but not subscribe to {topic}: {cure}")
    link.publish(Outgoing(topic, ear.payload), lambda _code: None)  # whether it was taken, its coming back tells
    heard = asyncio.ensure_future(ear.heard.wait())
    ended: set[asyncio.Future[Any]] = {heard, link.ended}
    await asyncio.wait(ended, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
    heard.cancel()
    if link.ended.done():
        raise ProbeError(_with_cure(config, link.ended.result()))
    if not ear.heard.is_set():
        raise ProbeError(f"{config.url}: the broker does not pass on what we publish to {topic}: {cure}")


def _with_cure(config: MqttConfig, ending: Ending) -> str:
    cure = CURES.get(ending.kind, "")
    return f"{config.url}: {ending.text}{': ' + cure if cure else ''}"
