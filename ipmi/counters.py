# SPDX-License-Identifier: Apache-2.0
"""What happened on the wire, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Running counts, written by the server's own parts."""

    datagrams: int = 0
    malformed: int = 0
    """Datagrams that are no packet, or whose inside is broken."""
    unauthentic: int = 0
    """Packets for a session whose AuthCode is wrong."""
    replayed: int = 0
    """Authentic packets whose sequence number had been seen or is outside the window."""
    refused: int = 0
    """Open Session and RAKP messages answered with an error status, and datagrams from addresses not allowed."""
    evicted: int = 0
    """Unfinished logins that had to make room."""
    logins: int = 0
    failed_logins: int = 0
    commands: int = 0
    """Requests handed to a command handler or refused by its table."""
    repeated: int = 0
    """Requests that were answered without being run again."""
    late: int = 0
    """Slow commands that missed their deadline."""
    failures: int = 0
    """Handlers that raised."""
    unsent: int = 0
    """Datagrams that the network did not take."""


@dataclass(frozen=True, slots=True)
class ServerCounters:
    """One snapshot: counts since start, and how many sessions there are now."""

    datagrams: int
    malformed: int
    unauthentic: int
    replayed: int
    refused: int
    evicted: int
    logins: int
    failed_logins: int
    commands: int
    repeated: int
    late: int
    failures: int
    unsent: int
    sessions: int
    half_open: int
