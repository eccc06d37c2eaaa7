# SPDX-License-Identifier: Apache-2.0
"""Resident memory of a process and its children, also where an emulator runs them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.ipmi.process import PROC, family

if TYPE_CHECKING:
    from collections.abc import Iterable

MAPPING = re.compile(r"^([0-9a-f]+)-[0-9a-f]+ ")
EMULATED_BELOW = 1 << 40
"""qemu-user gives 64-bit programs addresses from 0x5500000000 on; its own mappings lie where the kernel puts them."""
PRIVATE = ("Private_Clean:", "Private_Dirty:")


def resident_mb(pid: int) -> float:
    """What the process has in memory, and what its children (the guard) have for themselves.

    Pages that a child shares with its parent count once. Under qemu-user the emulator's own memory does not count:
    its program, translated code, translator's heap.
    """
    below = EMULATED_BELOW if is_emulated(pid) else None
    first, *others = family(pid)
    total_kb = mapped_kb(_smaps(first), ("Rss:",), below)
    total_kb += sum(mapped_kb(_smaps(other), PRIVATE, below) for other in others)
    return total_kb / 1024


def is_emulated(pid: int) -> bool:
    """Whether qemu-user runs it: then the kernel sees the emulator as the program."""
    return "qemu-" in (PROC / str(pid) / "maps").read_text(encoding="ascii", errors="replace")


def mapped_kb(smaps: Iterable[str], fields: tuple[str, ...], below: int | None = None) -> int:
    """The sum of `fields` over the mappings of /proc/PID/smaps, or only over those below an address."""
    total_kb = 0
    counts = False
    for line in smaps:
        mapping = MAPPING.match(line)
        if mapping:
            counts = below is None or int(mapping[1], 16) < below
        elif counts and line.startswith(fields):
            total_kb += int(line.split()[1])
    return total_kb


def _smaps(pid: int) -> list[str]:
    return Path(PROC / str(pid) / "smaps").read_text(encoding="ascii", errors="replace").splitlines()
