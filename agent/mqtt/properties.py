# SPDX-License-Identifier: Apache-2.0
"""Properties of MQTT 5.0 packets: the one place that touches the client library's untyped class."""

from __future__ import annotations

from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def connect_properties(*, session_expiry_s: int, maximum_packet_bytes: int) -> Properties:
    return _properties(
        PacketTypes.CONNECT, SessionExpiryInterval=session_expiry_s, MaximumPacketSize=maximum_packet_bytes
    )


def will_properties(*, delay_s: int) -> Properties:
    return _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=delay_s)


def publish_properties(*, correlation: bytes) -> Properties:
    return _properties(PacketTypes.PUBLISH, CorrelationData=correlation)


def disconnect_properties(*, session_expiry_s: int) -> Properties:
    return _properties(PacketTypes.DISCONNECT, SessionExpiryInterval=session_expiry_s)


def told(properties: Properties | None) -> dict[str, Any]:
    """The properties of a received packet by name; empty for MQTT 3.1.1."""
    return {} if properties is None else vars(properties)


def _properties(packet_type: int, **values: object) -> Properties:
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
