# SPDX-License-Identifier: Apache-2.0
"""The one channel of this controller: LAN, number 1."""

from __future__ import annotations

from typing import Final

LAN_CHANNEL: Final = 0x01
_PRESENT_CHANNEL = 0x0E
"""In a request: the channel that it came over."""


def is_lan_channel(byte: int) -> bool:
    """Whether the low nibble of a channel byte means the LAN channel."""
    return byte & 0x0F in (LAN_CHANNEL, _PRESENT_CHANNEL)
