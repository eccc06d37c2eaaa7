# SPDX-License-Identifier: Apache-2.0
"""An estimate for machines that measure nothing: between two powers by how busy the processors are. Marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.meters.interface import NoReading, Quantity, Reading
from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from agent.energy.sysfs import Sysfs

IDLE_FIELDS = (3, 4)
"""idle and iowait, of the numbers behind `cpu` in /proc/stat (proc(5))."""
FIELDS = 8
"""Up to steal: guests are counted within user."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Time of all processors since boot."""

    idle: int
    whole: int


def ticks(stat: str) -> Ticks | None:
    """From the text of /proc/stat; None where it is none."""
    words = stat.split("\n", 1)[0].split()
    if not words or words[0] != "cpu" or len(words) < 5 or not all(word.isdecimal() for word in words[1:]):
        return None
    numbers = [int(word) for word in words[1 : FIELDS + 1]]
    return Ticks(sum(numbers[field] for field in IDLE_FIELDS if field < len(numbers)), sum(numbers))


def utilisation(before: Ticks, now: Ticks) -> float | None:
    """0 to 1; None where no time has passed. Idle time may be counted back by a little: that is 1."""
    whole = now.whole - before.whole
    return None if whole <= 0 else min(max(1 - (now.idle - before.idle) / whole, 0.0), 1.0)


class Utilisation:
    """How busy this computer is, between two calls."""

    def __init__(self, proc: Sysfs) -> None:
        """`proc` is rooted at /proc."""
        self._proc = proc
        self._before: Ticks | None = None

    def read(self) -> float | None:
        text = self._proc.text("stat")
        now = None if isinstance(text, Failed) else ticks(text)
        before, self._before = self._before, now
        return None if before is None or now is None else utilisation(before, now)


class LoadModel:
    """Implements Meter; always `estimated`."""

    name = "load model"
    quantity = Quantity.NODE_W

    def __init__(self, utilisation: Utilisation, idle_w: float, busy_w: float) -> None:
        """What the machine draws idle and under full load. Raises ValueError."""
        if not 0 < idle_w <= busy_w < float("inf"):
            raise ValueError(f"0 < idle_w <= busy_w is to hold (not {idle_w:g} and {busy_w:g})")
        self._utilisation = utilisation
        self._idle_w, self._busy_w = idle_w, busy_w

    def read(self, now_ns: int) -> Reading | NoReading:
        share = self._utilisation.read()
        if share is None:
            return NoReading(self.name, "how busy the processors are is known after a second reading")
        return Reading(self.quantity, self._idle_w + share * (self._busy_w - self._idle_w), self.name, True, now_ns)
