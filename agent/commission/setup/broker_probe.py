# SPDX-License-Identifier: Apache-2.0
"""Tries a broker as the agent will use it: connects, subscribes, hears a message of its own. Leaves nothing there."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from typing import TYPE_CHECKING, Any

from agent.mqtt.dial import (
    CERT_HAS_EXPIRED,
    CERT_NOT_YET_VALID,
    MAX_INCOMING_BYTES,
    hang_up,
    new_client,
    why_unreachable,
)
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
GOODBYE_S = 1.0
TOPIC = "setup-probe"
FAILURE = 0x80
OLDER_MAY_HELP = frozenset({EndingKind.VERSION_REFUSED, EndingKind.HUNG_UP, EndingKind.SILENT})
"""What brokers do that know only MQTT 3.1.1."""
CERTIFICATE_CURE = "name the CA certificate (PEM) that the broker's is signed with: --mqtt-ca"
TLS_CURE = "is TLS meant (mqtts://, port 8883) or not (mqtt://, port 1883)?"
CURES: dict[EndingKind, str] = {
    EndingKind.REFUSED: "check user and password (--mqtt-user, --mqtt-password-file) and whether the broker lets this"
    " user in; a broker without anonymous access wants both",
    EndingKind.UNAVAILABLE: "look at the broker's log",
    EndingKind.SILENT: f"is it an MQTT broker, and {TLS_CURE}",
    EndingKind.HUNG_UP: f"is it an MQTT broker, and {TLS_CURE}",
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
        await link.disconnect(GOODBYE_S)
    return version


def _connect(config: MqttConfig, version: Version) -> Client:
    """On a thread: a name lookup, TCP and TLS block. Raises ProbeError."""
    url = config.url
    host, port = (url.path, 1) if url.transport is Transport.UNIX else (url.host, url.port)
    try:
        client = new_client(config, version)
    except (OSError, ValueError) as error:  # of the certificate files: nobody was called yet
        raise ProbeError(f"{config.ca_file or url}: {getattr(error, 'reason', error)}: {CERTIFICATE_CURE}") from error
    client.will_clear()
    try:
        if version is Version.V5:
            properties = connect_properties(session_expiry_s=0, maximum_packet_bytes=MAX_INCOMING_BYTES)
            client.connect(host, port, config.keepalive_s, clean_start=True, properties=properties)
        else:
            client.connect(host, port, config.keepalive_s)
    except (OSError, ValueError) as error:
        raise ProbeError(_unreachable(error, config)) from error
    return client


def _unreachable(error: OSError | ValueError, config: MqttConfig) -> str:
    match error:
        case ConnectionRefusedError():
            return (
                f"{config.url}: nobody listens there: is the broker running, and does it listen to other machines?"
                " (mosquitto without a 'listener' line answers its own machine only)"
            )
        case ssl.SSLCertVerificationError(verify_code=code) if code not in (CERT_NOT_YET_VALID, CERT_HAS_EXPIRED):
            return f"{config.url}: the broker's certificate is not trusted ({error.verify_message}): {CERTIFICATE_CURE}"
        case ssl.SSLCertVerificationError():
            return why_unreachable(error, config)
        case ssl.SSLError() | ConnectionResetError():
            return f"{why_unreachable(error, config)}: {TLS_CURE}"
    return why_unreachable(error, config)


async def _echo(config: MqttConfig, link: Link, ear: _Ear) -> None:
    """Raises ProbeError."""
    topic = f"{config.base}/{TOPIC}"
    cure = f"let this user read and write {config.base.split('/')[0]}/# (the broker's ACL)"
    answer = link.subscribe([topic])
    await _either(config, answer, link)
    if not answer.done() or answer.cancelled() or answer.result()[0] >= FAILURE:
        raise ProbeError(f"{config.url}: the broker lets us in, but not subscribe to {topic}: {cure}")
    link.publish(Outgoing(topic, ear.payload), lambda _code: None)  # whether it was taken, its coming back tells
    heard = asyncio.ensure_future(ear.heard.wait())
    try:
        await _either(config, heard, link)
    finally:
        heard.cancel()
    if not ear.heard.is_set():
        raise ProbeError(f"{config.url}: the broker does not pass on what we publish to {topic}: {cure}")


async def _either(config: MqttConfig, wanted: asyncio.Future[Any], link: Link) -> None:
    """Until it is done, or its time is over. Raises ProbeError when the link ends first."""
    both: set[asyncio.Future[Any]] = {wanted, link.ended}
    await asyncio.wait(both, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
    if link.ended.done():
        raise ProbeError(_with_cure(config, link.ended.result()))


def _with_cure(config: MqttConfig, ending: Ending) -> str:
    cure = CURES.get(ending.kind, "")
    return f"{config.url}: {ending.text}{': ' + cure if cure else ''}"
