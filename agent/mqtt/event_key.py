# SPDX-License-Identifier: Apache-2.0
"""Event ids as numbers, by which the spool orders its records: `00000002-0000000017` is 2 * 10**10 + 17."""

from __future__ import annotations

PER_START = 10**10


def key_of(event_id: str) -> int:
    """Raises ValueError."""
    start, _, seq = event_id.partition("-")
    return int(start) * PER_START + int(seq)


def id_of(key: int) -> str:
    return f"{key // PER_START:08d}-{key % PER_START:010d}"


def start_of(key: int) -> int:
    """The start of the agent that gave this key."""
    return key // PER_START
