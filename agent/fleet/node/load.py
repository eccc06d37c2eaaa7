# SPDX-License-Identifier: Apache-2.0
"""How busy this machine is: shares of its processors and of its memory, as the kernel counts them.

Source: proc_stat(5), proc_meminfo(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
COUNTED = 8
"""user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in user already."""
IDLE = (3, 4)

_CPU = re.compile(r"cpu +([0-9 ]+)")
_KIB = re.compile(r"(MemTotal|MemAvailable): +([0-9]+) kB")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Since boot, in ticks of all processors together."""

    idle: int
    total: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Each 0 to 1."""

    cpu: float
    memory: float


def cpu_time(stat: str) -> CpuTime | None:
    """From the text of /proc/stat; None = it says nothing."""
    found = _CPU.match(stat)
    ticks = [int(each) for each in found[1].split()[:COUNTED]] if found else []
    if len(ticks) <= max(IDLE):
        return None
    return CpuTime(sum(ticks[index] for index in IDLE), sum(ticks))


def memory_share(meminfo: str) -> float | None:
    """From the text of /proc/meminfo: what programs could not get any more."""
    sizes = {name: int(size) for name, size in _KIB.findall(meminfo)}
    total = sizes.get("MemTotal", 0)
    if not total or "MemAvailable" not in sizes:
        return None
    return min(max(1 - sizes["MemAvailable"] / total, 0.0), 1.0)


class LoadMeter:
    """Measures between two looks."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._before: CpuTime | None = None

    def look(self) -> Shares | None:
        """None at the first look, and where the kernel does not say."""
        try:
            now = cpu_time((self._proc / "stat").read_text(encoding="ascii", errors="replace"))
            memory = memory_share((self._proc / "meminfo").read_text(encoding="ascii", errors="replace"))
        except OSError:
            return None
        before, self._before = self._before, now
        if before is None or now is None or memory is None or now.total <= before.total:
            return None
        idle = (now.idle - before.idle) / (now.total - before.total)  # the kernel's idle time may step back
        return Shares(min(max(1 - idle, 0.0), 1.0), memory)
