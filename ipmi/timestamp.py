# SPDX-License-Identifier: Apache-2.0
"""IPMI time stamps: seconds since 1970 in four bytes (IPMI 2.0 section 37)."""

from __future__ import annotations

_LAST = 0xFFFFFFFE
"""FFFFFFFFh means `not specified`."""


def encode(seconds: int) -> bytes:
    """Four bytes; a time outside the range gives the end of the range."""
    return min(max(seconds, 0), _LAST).to_bytes(4, "little")
