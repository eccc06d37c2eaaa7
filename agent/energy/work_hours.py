# SPDX-License-Identifier: Apache-2.0
"""Work by the hour, beside the energy of the hour: processor seconds, or what a command of the owner's counts."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Protocol

from agent.energy.command_output import first_bytes
from agent.energy.energy_ledger import HOUR_S, HOURS_KEPT
from agent.energy.meters.load_model import ticks
from agent.energy.sysfs import Failed
from agent.energy.work import CPU_SECONDS, Work, WorkCounter, cpu_seconds, parse_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.energy_counters import Store
    from agent.energy.sysfs import Sysfs

KEY = "energy.work"
HOUR = re.compile(r"[0-9]{1,12}")
WITHIN_S = 2.0
FIRST_BYTES = 1000
STORE_EVERY_S = 60.0


class WorkSource(Protocol):
    """May block for some seconds. Raises nothing."""

    unit: str

    def count(self) -> float | None:
        """A counter that only rises, until it is set back; None = not known."""
        ...


class CpuSeconds:
    """Implements WorkSource."""

    unit = CPU_SECONDS

    def __init__(self, proc: Sysfs) -> None:
        self._proc = proc

    def count(self) -> float | None:
        text = self._proc.text("stat")
        now = None if isinstance(text, Failed) else ticks(text)
        return None if now is None else cpu_seconds(now)


class CommandCount:
    """Implements WorkSource: the first line that a program prints is a number."""

    def __init__(self, command: Sequence[str], unit: str) -> None:
        self.unit = unit
        self._command = tuple(command)

    def count(self) -> float | None:
        try:
            text = first_bytes(self._command, FIRST_BYTES, WITHIN_S)
        except (OSError, ValueError):
            return None
        return None if text is None else parse_count(text.decode("ascii", "replace"))


class WorkHours:
    """Two weeks of hours, over restarts. Used on the loop's thread."""

    def __init__(self, unit: str, store: Store) -> None:
        self.unit = unit
        self._store = store
        self._counter = WorkCounter(unit)
        self._told = 0.0
        self._stored_s = -math.inf
        kept = store.get(KEY, {})
        usable = isinstance(kept, dict) and kept.get("unit") == unit
        self._hours = _usable(kept.get("hours", {})) if usable else {}

    @property
    def amount(self) -> float | None:
        """Of this run; None before the first count."""
        return None if self._counter.work is None else self._counter.work.amount

    async def add(self, count: float | None, now_s: float) -> None:
        """The counter at `now_s` (Unix time). Raises StoreError."""
        self._counter.add(count)
        work = self._counter.work
        if work is None:
            return
        hour = math.floor(now_s / HOUR_S) * HOUR_S
        self._hours[hour] = self._hours.get(hour, 0.0) + work.amount - self._told
        self._told = work.amount
        while len(self._hours) > HOURS_KEPT:
            del self._hours[min(self._hours)]
        if not 0 <= now_s - self._stored_s < STORE_EVERY_S:
            self._stored_s = now_s
            rows = {str(start_s): round(amount, 3) for start_s, amount in sorted(self._hours.items())}
            await self._store.put({KEY: {"unit": self.unit, "hours": rows}})

    def between(self, from_s: float, to_s: float) -> Work | None:
        """Of the hours from the one that `from_s` is in; None = of none of them something is known."""
        first_s = math.floor(from_s / HOUR_S) * HOUR_S
        known = [amount for start_s, amount in self._hours.items() if first_s <= start_s < to_s]
        return Work(sum(known), self.unit) if known else None


def _usable(rows: object) -> dict[int, float]:
    """What is stored may be damaged."""
    return {
        int(start_s): float(amount)
        for start_s, amount in (rows.items() if isinstance(rows, dict) else ())
        if HOUR.fullmatch(start_s) and isinstance(amount, int | float) and 0 <= amount < math.inf
    }
