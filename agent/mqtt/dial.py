# SPDX-License-Identifier: Apache-2.0
"""Reach a broker: name lookup, TCP and TLS block in paho, so a short-lived thread does them."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.mqtt import topics
from agent.mqtt.properties import connect_properties, will_properties
from agent.mqtt.retry import Version
from agent.mqtt.short_thread import ShortThread
from agent.mqtt.tls import tls_context
from agent.mqtt.url import Transport

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
    """Makes connected clients, one at a time: two would come with one client id. Used on the loop's thread."""

    def __init__(self, config: MqttConfig) -> None:
        self._config = config
        self._thread = ShortThread("mqtt-connect")
        self._probing = ShortThread("mqtt-probe")

    async def dial(self, version: Version) -> Client:
        """A client whose socket is connected and that has sent CONNECT; nobody has read from it yet. Raises DialError.

        Cancellation leaves the thread behind: it ends by itself, and its connection is closed.
        """
        return await self._thread.run(lambda: _dial(self._config, version), hang_up)

    async def reachable(self) -> bool:
        """Whether the broker takes a connection; nothing of MQTT is said."""
        return await self._probing.run(lambda: _reachable(self._config), lambda _: None)


def _dial(config: MqttConfig, version: Version) -> Client:
    """On the thread."""
    url = config.url
    host, port = (url.path, 1) if url.transport is Transport.UNIX else (url.host, url.port)
    try:
        client = new_client(config, version)
        if version is Version.V5:
            client.connect(host, port, config.keepalive_s, clean_start=True, properties=_connect_properties(config))
        else:
            client.connect(host, port, config.keepalive_s)
    except (OSError, ValueError) as error:
        raise DialError(why_unreachable(error, config)) from error
    return client


def _reachable(config: MqttConfig) -> bool:
    """On the thread."""
    url = config.url
    try:
        if url.transport is Transport.UNIX:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(config.connect_timeout_s)
                connection.connect(url.path)
            return True
        with socket.create_connection((url.host, url.port), config.connect_timeout_s) as connection:
            if url.tls:
                tls_context(config).wrap_socket(connection, server_hostname=url.host).close()
    except (OSError, ValueError):
        return False
    return True


def hang_up(client: Client) -> None:
    """Close a client's socket at once, without a DISCONNECT."""
    connection = client.socket()
    if connection is not None:
        connection.close()


def new_client(config: MqttConfig, version: Version) -> Client:
    """A client with its will and credentials set; reads the certificate files. Raises OSError, ValueError."""
    five = version is Version.V5
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=config.client_id,
        clean_session=None if five else True,
        protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
        transport=config.url.transport.value,
        reconnect_on_failure=False,  # else paho reconnects by itself, on the loop's thread, blockingly
    )
    client.connect_timeout = config.connect_timeout_s
    client.max_inflight_messages_set(config.inflight + 1)
    client.max_queued_messages_set(config.inflight + 1)  # what waits, waits with us
    if config.url.transport is Transport.WEBSOCKETS:
        client.ws_set_options(path=config.url.path)
    if config.url.user:
        client.username_pw_set(config.url.user, config.password)
    if config.url.tls:
        client.tls_set_context(tls_context(config))
    will = will_properties(delay_s=config.will_delay_s) if five and config.will_delay_s else None
    topic, payload = config.will() if config.will else (f"{config.base}/{topics.STATUS}", topics.OFFLINE)
    client.will_set(topic, payload, 1, True, will)
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
