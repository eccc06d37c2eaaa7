# SPDX-License-Identifier: Apache-2.0
"""Which session sequence numbers may still arrive (IPMI 2.0 section 6.12.13): 15 ahead, 16 behind, none twice."""

from __future__ import annotations

AHEAD = 15
BEHIND = 16
_MASK = (1 << (BEHIND + 1)) - 1
_MODULUS = 1 << 32


class ReplayWindow:
    """Highest sequence number seen and a bitmap of those just below it.

    The first number fixes the window, because clients start at 1, 2, 3 or later. Call `accept` only for packets
    whose AuthCode has been checked, or a forger could move the window.
    """

    __slots__ = ("_highest", "_seen")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._seen = 0

    def accept(self, sequence: int) -> bool:
        """Note a number and tell whether its packet is new and within the window."""
        if sequence == 0:
            return False
        if self._highest is None:
            self._highest = sequence
            self._seen = 1
            return True
        ahead = (sequence - self._highest) % _MODULUS
        if ahead == 0:
            return False
        if ahead <= AHEAD:
            self._highest = sequence
            self._seen = (self._seen << ahead | 1) & _MASK
            return True
        behind = _MODULUS - ahead
        if behind > BEHIND or self._seen >> behind & 1:
            return False
        self._seen |= 1 << behind
        return True
