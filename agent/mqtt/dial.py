# SPDX-License-Identifier: Apache-2.0
"""Reach a broker: name lookup, TCP and TLS block in paho, so a short-lived thread does them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.mqtt import topics
from agent.mqtt.properties import connect_properties, will_properties
from agent.mqtt.retry import Version

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties

    from agent.mqtt.config import MqttConfig

MAX_INCOMING_BYTES = 65_536
"""Told to the broker (5.0) and enforced by the link: a stranger's message must not fill the memory."""

CERT_NOT_YET_VALID = 9
CERT_HAS_EXPIRED = 10
"""X509_V_ERR_* of OpenSSL."""


class DialError(Exception):
    """The broker was not reached; one sentence for a person."""


class Dialler:
    """Makes connected clients, one at a time. Used on the loop's thread."""

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._thread: threading.Thread | None = None

    async def dial(self, version: Version) -> Client:
        """A client whose socket is connected and that has sent CONNECT; nobody has read from it yet. Raises DialError.

        Cancellation leaves the thread behind: it ends by itself, and its connection is closed.
        """
        while self._thread is not None and self._thread.is_alive():
            await asyncio.sleep(0.1)  # never two: both would come with one client id
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Client] = loop.create_future()
        self._thread = threading.Thread(
            target=_dial, args=(self._config, version, loop, result), name="mqtt-connect", daemon=True
        )
        self._thread.start()
        return await result


def _dial(
    config: MqttConfig, version: Version, loop: asyncio.AbstractEventLoop, result: asyncio.Future[Client]
) -> None:
    """The thread."""
    client: Client | None = None
    failure: DialError | None = None
    try:
        client = new_client(config, version)
        host, port, keepalive_s = config.url.host, config.url.port, config.keepalive_s
        if version is Version.V5:
            client.connect(host, port, keepalive_s, clean_start=True, properties=_connect_properties(config))
        else:
            client.connect(host, port, keepalive_s)
    except (OSError, ValueError) as error:
        failure = DialError(why_unreachable(error, config))
    try:
        loop.call_soon_threadsafe(_deliver, result, client, failure)
    except RuntimeError:  # the loop is closed: the agent ends
        if client is not None:
            hang_up(client)


def _deliver(result: asyncio.Future[Client], client: Client | None, failure: DialError | None) -> None:
    if result.done():  # given up meanwhile
        if client is not None:
            hang_up(client)
    elif failure is not None:
        result.set_exception(failure)
    else:
        assert client is not None
        result.set_result(client)


def hang_up(client: Client) -> None:
    """Close a client's socket at once, without a DISCONNECT."""
    connection = client.socket()
    if connection is not None:
        connection.close()


def new_client(config: MqttConfig, version: Version) -> Client:
    """A client with its will and credentials set; reads the CA file. Raises OSError, ValueError."""
    five = version is Version.V5
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=config.client_id,
        clean_session=None if five else True,
        protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,  # else paho reconnects by itself, on the loop's thread, blockingly
    )
    client.connect_timeout = config.connect_timeout_s
    client.max_inflight_messages_set(config.inflight + 1)
    client.max_queued_messages_set(config.inflight + 1)  # what waits, waits with us
    if config.url.user:
        client.username_pw_set(config.url.user, config.password)
    if config.url.tls:
        context = ssl.create_default_context(cafile=config.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        client.tls_set_context(context)
    will = will_properties(delay_s=config.will_delay_s) if five and config.will_delay_s else None
    client.will_set(f"{config.base}/{topics.STATUS}", topics.OFFLINE, 1, True, will)
    return client


def _connect_properties(config: MqttConfig) -> Properties:
    # The broker sends the will when the session ends, so it must outlive the connection by the delay. What it
    # queues for us meanwhile is thrown away: every connection begins with a clean start (safety rule 19).
    return connect_properties(session_expiry_s=config.will_delay_s, maximum_packet_bytes=MAX_INCOMING_BYTES)


def why_unreachable(error: OSError | ValueError, config: MqttConfig) -> str:
    """What a failed connection means, with the cure where one is known."""
    url = config.url
    match error:
        case socket.gaierror():
            return f"the host name {url.host!r} of the MQTT broker is not known: {error.strerror}"
        case ssl.SSLCertVerificationError(verify_code=code) if code in (CERT_NOT_YET_VALID, CERT_HAS_EXPIRED):
            return f"{url}: {error.verify_message}: if the certificate is good, this board's clock is wrong"
        case ssl.SSLCertVerificationError():
            cure = "name its CA certificate as mqtt.ca_file in the site file"
            return f"{url}: the broker's certificate is not trusted ({error.verify_message}): {cure}"
        case ssl.SSLError():
            return f"{url}: TLS fails: {error.reason or error}"
        case TimeoutError():
            return f"{url} does not answer within {config.connect_timeout_s:g} s"
        case OSError():
            return f"{url}: {error.strerror or error}"
    return f"{url}: {error}"
