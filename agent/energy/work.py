# SPDX-License-Identifier: Apache-2.0
"""What a machine got done: a counter that only rises, of whatever its owner counts, or of processor time. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.energy.meters.load_model import Ticks

USER_HZ = 100.0
"""Linux tells processor time in hundredths of a second (proc(5)); os.sysconf("SC_CLK_TCK") says so."""
CPU_SECONDS = "CPU seconds"


@dataclass(frozen=True, slots=True)
class Work:
    """So many of `unit`, such as requests, frames or CPU seconds."""

    amount: float
    unit: str


class WorkCounter:
    """Adds up how much a counter has risen. One that falls was set back to 0: what it says now is new."""

    def __init__(self, unit: str = CPU_SECONDS) -> None:
        self.unit = unit
        self._amount = 0.0
        self._last: float | None = None

    def add(self, count: float | None) -> None:
        """The counter now; None, or what is no count, is not known: what it rises meanwhile is counted later."""
        if count is None or not 0 <= count < math.inf:
            return
        if self._last is not None:
            self._amount += count - self._last if count >= self._last else count
        self._last = count

    @property
    def work(self) -> Work | None:
        """Since the first count; None before it."""
        return None if self._last is None else Work(self._amount, self.unit)


def parse_count(text: str) -> float | None:
    """What a command of the owner's has printed: one number, alone in the first line. None = it is none."""
    first = text.strip().split("\n", 1)[0].strip()
    try:
        count = float(first) if first.isascii() and len(first) <= 40 else math.nan
    except ValueError:
        return None
    return count if 0 <= count < math.inf else None


def cpu_seconds(ticks: Ticks, hz: float = USER_HZ) -> float:
    """Processor time that was not idle since boot, of all processors."""
    return max(ticks.whole - ticks.idle, 0) / hz
