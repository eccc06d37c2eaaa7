# SPDX-License-Identifier: Apache-2.0
"""What a session wants of its packets' protection, however it is done."""

from __future__ import annotations

from typing import Final, Protocol

MAXIMUM_PAYLOAD: Final = 896
"""Bytes in one packet, plain; sealed and framed they stay below the longest datagram."""


class Forged(Exception):
    """The AuthCode of a packet does not fit: nothing in it means anything."""


class Protection(Protocol):
    """The keys of one established session. Not thread-safe."""

    def open(self, datagram: bytes) -> tuple[int, int, bytes | None]:
        """Payload type, session sequence number and plain payload of a datagram whose header names this session.

        The payload is None where what was sealed is not readable: such a packet is authentic all the same. Raises
        MalformedPacket on anything but a protected packet, Forged on a wrong AuthCode.
        """
        ...

    def seal(self, payload_type: int, session_id: int, sequence: int, payload: bytes) -> bytes:
        """A datagram for the client that knows the session as `session_id`; ValueError over MAXIMUM_PAYLOAD bytes."""
        ...
