# SPDX-License-Identifier: Apache-2.0
"""Whether the wall clock can be believed: boards without a clock battery start in the past (safety rule 22)."""

from __future__ import annotations

import time

EARLIEST_UNIX_S = 1_767_225_600
"""2026-01-01: this program did not exist before."""


def unix_s() -> float | None:
    """Seconds since 1970, or None while the clock is obviously unset."""
    now_s = time.time()
    return now_s if now_s >= EARLIEST_UNIX_S else None
