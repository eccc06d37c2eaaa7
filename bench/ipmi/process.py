# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of a running process: CPU time and resident memory, of it and its children."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")


def cpu_ns(pid: int) -> int:
    """CPU time of all threads (schedstat counts in nanoseconds; `stat` only in ticks of 10 ms)."""
    return sum(
        int(schedstat.read_text().split()[0])
        for process in family(pid)
        for schedstat in (PROC / str(process) / "task").glob("*/schedstat")
    )


def resident_mb(pid: int) -> float:
    total_kb = 0
    for process in family(pid):
        for line in (PROC / str(process) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024


def family(pid: int) -> list[int]:
    """A process and everything that it has started."""
    found = [pid]
    for children in (PROC / str(pid) / "task").glob("*/children"):
        for child in children.read_text().split():
            found += family(int(child))
    return found
