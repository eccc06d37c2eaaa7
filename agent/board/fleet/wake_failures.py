# SPDX-License-Identifier: Apache-2.0
"""Wakes that could not be tried from here, told to people seldom: a network that is down fails for every node."""

from __future__ import annotations

NS_PER_S = 1_000_000_000
EVERY_NS = 600 * NS_PER_S


class WakeFailures:
    """Counts them all; says what is to be told now. Used on the loop's thread."""

    def __init__(self) -> None:
        self.count = 0
        self._untold = 0
        self._told_ns: int | None = None

    def failed(self, node: str, why: str, now_ns: int) -> str | None:
        """The text of an event; None = one was told less than ten minutes ago, and the next one counts this."""
        self.count += 1
        if self._told_ns is not None and now_ns - self._told_ns < EVERY_NS:
            self._untold += 1
            return None
        before = f"; {self._untold} more since the last such event" if self._untold else ""
        self._told_ns, self._untold = now_ns, 0
        return f"{node} is not woken from here: {why}{before}"
