# SPDX-License-Identifier: Apache-2.0
"""A rate with small bursts: pure, the caller has the clock."""

from __future__ import annotations

BURST_S = 0.05
"""So much may be caught up at once: at most 20 wake-ups per second."""


class Pace:
    """One thing each 1/rate seconds on the average."""

    def __init__(self, rate_per_s: float) -> None:
        self._step_s = 1.0 / rate_per_s
        self._burst_s = max(BURST_S, self._step_s)
        self._free_s = float("-inf")
        """When everything that was let through is paid for."""

    def wait_s(self, now_s: float) -> float:
        """0 = go, and it is counted; else ask again after so many seconds."""
        ahead_s = max(self._free_s, now_s) - now_s
        if ahead_s >= self._burst_s:
            return ahead_s
        self._free_s = now_s + ahead_s + self._step_s
        return 0.0
