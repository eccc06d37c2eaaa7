# SPDX-License-Identifier: Apache-2.0
"""Times of one host's power machine, with the caps of safety rule 4."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PRESS_MS = 1000
MAX_FORCE_OFF_MS = 15_000


@dataclass(frozen=True, slots=True)
class HostTiming:
    """All in milliseconds. Defaults follow what ATX boards and x86 firmware accept."""

    power_press_ms: int = 200
    reset_press_ms: int = 500
    nmi_press_ms: int = 200
    force_off_ms: int = 15_000
    """Longest hold of a force-off; it ends as soon as power-good has settled off."""
    power_on_timeout_ms: int = 10_000
    """Power-good must rise within this of an on-press."""
    soft_off_timeout_ms: int = 300_000
    cycle_off_ms: int = 5000
    """How long a cycle keeps the host off."""
    reset_check_ms: int = 500
    """Power-good must still be on so long after a reset press."""
    stable_ms: int = 100
    """Power-good must have been steady so long at the instant of a press."""
    off_settle_ms: int = 500
    """Grace after the longest hold for power-good to fall."""
    act_within_ms: int = 0
    """How long an adapter may take to carry out a command, retries included; lines take none."""
