# SPDX-License-Identifier: Apache-2.0
"""Simulated lines in memory: the engine's own backend for boards that do not exist."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from native._core import ffi, lib
from native.errors import LineCommandError, LineConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_DRAIN_BATCH = 256


@dataclass(frozen=True)
class OutputChange:
    """An output of the engine changed its level at `time_ns` (CLOCK_MONOTONIC)."""

    time_ns: int
    name: str
    active: bool


@dataclass(frozen=True)
class MemoryLine:
    """One line of a memory chip, to be named in an OutputLine or InputLine."""

    chip: MemoryChip
    name: str


class MemoryChip:
    """A chip of named lines, all inactive at first.

    Threads: any thread may call anything. An engine keeps the chip's memory alive; close() pulls the chip out.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._index = {name: index for index, name in enumerate(self._names)}
        if len(self._index) != len(self._names):
            double = next(name for name in self._names if self._names.count(name) > 1)
            raise LineConfigError(f"line {double}: two lines of the chip have this name; give each its own")
        chip = lib.MEM_Create(len(self._names))
        if chip == ffi.NULL:
            raise MemoryError("memory chip")
        self._chip: Any = ffi.gc(chip, lib.MEM_Destroy)

    def line(self, name: str) -> MemoryLine:
        """Returns the handle of a line. Raises LineConfigError for an unknown name."""
        if name not in self._index:
            raise LineConfigError(f"line {name}: not on the memory chip ({', '.join(self._names)})")
        return MemoryLine(self, name)

    def drive(self, name: str, active: bool) -> None:
        """Sets a line as the outside world does: an edge, stamped now. Raises LineCommandError for outputs."""
        error = lib.MEM_Drive(self._chip, self._find(name), active)
        if error == -errno.EBUSY:
            raise LineCommandError(f"line {name}: is an output of an engine; the outside world cannot drive it")
        if error < 0:
            raise LineCommandError(f"line {name}: {os.strerror(-error)}; the chip is closed")

    def level(self, name: str) -> bool:
        """Returns what is driven now, whoever drives it."""
        return bool(lib.MEM_Level(self._chip, self._find(name)))

    def fileno(self) -> int:
        """Returns a descriptor that is readable while changes of outputs wait in drain()."""
        return int(lib.MEM_ChangeFd(self._chip))

    def drain(self) -> list[OutputChange]:
        """Takes the changes of outputs, oldest first. The chip remembers the last 4096."""
        changes: list[OutputChange] = []
        buffer = ffi.new("MEM_Change[]", _DRAIN_BATCH)
        while True:
            taken = lib.MEM_TakeChanges(self._chip, buffer, _DRAIN_BATCH)
            changes.extend(
                OutputChange(item.time_ns, self._names[item.index], bool(item.active)) for item in buffer[0:taken]
            )
            if taken < _DRAIN_BATCH:
                return changes

    def lose_edges(self, name: str, count: int) -> None:
        """Fault injection: the next `count` edges of this input never arrive."""
        lib.MEM_LoseEdges(self._chip, self._find(name), count)

    def fail_with(self, name: str, error: int) -> None:
        """Fault injection: reads and writes of this line fail with this errno; 0 ends it."""
        lib.MEM_FailWith(self._chip, self._find(name), error)

    def delay(self, delay_ms: float) -> None:
        """Fault injection: every read and write by an engine takes this long, as on a slow bus."""
        lib.MEM_Delay(self._chip, round(delay_ms * 1e6))

    def close(self) -> None:
        """Pulls the chip out: engines find its lines gone. Idempotent."""
        lib.MEM_Unplug(self._chip)

    def __enter__(self) -> MemoryChip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _find(self, name: str) -> int:
        try:
            return self._index[name]
        except KeyError:
            raise LineCommandError(f"line {name}: not on the memory chip") from None

    def source(self, name: str) -> tuple[Any, int]:
        """Returns the C chip and the index of a line, for the engine."""
        return self._chip, self._find(name)
