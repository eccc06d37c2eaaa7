# SPDX-License-Identifier: Apache-2.0
"""Messages as the rest of the MQTT face sees them: typed, immutable, free of the client library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a broker delivered. `topic` is relative to the board's base, or absolute if it is `foreign`."""

    topic: str
    payload: bytes
    retained: bool = False
    duplicate: bool = False
    """The DUP flag: sent before."""
    expiry_s: int | None = None
    """Seconds left to live as the broker says (5.0); None = it never expires."""
    response_topic: str = ""
    """Absolute; empty = none asked for."""
    correlation: bytes | None = None
    foreign: bool = False
    """Not below the board's base."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be published. `topic` is absolute."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    correlation: bytes | None = None
