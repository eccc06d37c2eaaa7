# SPDX-License-Identifier: Apache-2.0
"""Times as sources write them."""

from __future__ import annotations

import datetime

from agent.energy.signals.interface import SignalError


def unix_s(text: str, place: str) -> int:
    """Of an ISO 8601 time with its offset, such as 2026-01-20T12:00Z. Raises SignalError."""
    try:
        when = datetime.datetime.fromisoformat(text[:40])
        if when.tzinfo is None:
            raise ValueError
        return int(when.timestamp())
    except (ValueError, OverflowError):
        raise SignalError(f"{place}: {text[:40]!r} is no time with its offset from UTC", retry=True) from None
