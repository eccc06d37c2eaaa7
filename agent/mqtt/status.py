# SPDX-License-Identifier: Apache-2.0
"""What the MQTT face says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class MqttStatus:
    """A snapshot; counters count from the start of the agent."""

    connected: bool
    protocol: str
    """`5.0`, `3.1.1`, or empty while not connected."""
    url: str
    """Without secrets."""
    base: str
    text: str
    """One sentence for a person."""
    commands: bool
    """Whether commands are taken."""
    subscribed: bool
    """Whether the broker has confirmed that it will send them."""
    published: int
    """Messages that the broker has acknowledged (QoS 1) or that were sent (QoS 0)."""
    refused_by_broker: int
    accepted_commands: int
    refused_commands: int
    refused_commands_by_reason: Mapping[str, int] = field(default_factory=dict)
    waiting_events: int = 0
    dropped_events: int = 0
    dropped_events_by_reason: Mapping[str, int] = field(default_factory=dict)
    spool_bytes: int = 0
    """Of the events on the disk."""
    spool_error: str = ""
    """Why events wait in memory only; empty while the disk takes them."""
    spool_damage: str = ""
    """File and place of the last damage found in the spool."""
    dropped_answers: int = 0
    skipped_telemetry: int = 0
    reconnects: int = 0
    last_error: str = ""
    """Why the broker was lost or not reached the last time, or what it refused; stays after a reconnect."""
