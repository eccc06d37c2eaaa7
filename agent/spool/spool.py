# SPDX-License-Identifier: Apache-2.0
"""The spool: a log for each class, what the disk would not take, the bounds, and what was dropped."""

from __future__ import annotations

import logging
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.spool.files import Files
from agent.spool.log import SegmentLog
from agent.spool.record import MAX_BODY_BYTES, DropReason, RecordClass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from agent.spool.record import SpoolRecord

log = logging.getLogger(__name__)

DAY_S = 86_400.0
RECORD_SPARE_BYTES = 512
"""Topic, stamp and framing beside the payload, at most."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much is kept. Samples give way before events; within a class the oldest go first."""

    max_bytes: int = 64 * 1024 * 1024
    max_age_s: float = 30 * DAY_S
    memory_bytes: int = 4 * 1024 * 1024
    """What the disk does not take waits here."""
    segment_bytes: int = 1024 * 1024
    """The unit in which space is given back."""


@dataclass(frozen=True, slots=True)
class SpoolState:
    """A snapshot; counters count from the start of the agent."""

    owed: Mapping[RecordClass, int]
    """Messages that the broker has not acknowledged, by class."""
    bytes: int
    """On the disk."""
    in_memory: int
    """Messages that the disk did not take yet."""
    dropped: Mapping[DropReason, int] = field(default_factory=dict)
    error: str = ""
    """Why the disk takes nothing at present; empty = it does."""
    damage: str = ""
    """File and place of the last damage found; empty = none."""
    damaged: int = 0


class Spool:
    """Used on the storage thread only, but for `state`. Nothing here raises because of the disk.

    `unix_s` gives the wall clock, None while it is not set: ages are judged by it and by nothing else.
    """

    def __init__(
        self,
        folder: Path,
        unix_s: Callable[[], float | None],
        limits: SpoolLimits | None = None,
        files: Files | None = None,
    ) -> None:
        self._limits = SpoolLimits() if limits is None else limits
        files = Files() if files is None else files
        self._unix_s = unix_s
        self._dropped: Counter[DropReason] = Counter()
        self._damage = ""
        self._error = ""
        segment_bytes = max(4096, min(self._limits.segment_bytes, self._limits.max_bytes // 8))
        self._logs = {
            kind: SegmentLog(folder / kind.value, files, segment_bytes, self._found_damage) for kind in RecordClass
        }
        self._memory: dict[RecordClass, deque[SpoolRecord]] = {kind: deque() for kind in RecordClass}
        self._memory_bytes = 0
        self._state = self._snapshot()

    # ------------------------------------------------------------------ what is there

    @property
    def state(self) -> SpoolState:
        """The state after the last call. May be read on any thread."""
        return self._state

    def last_key(self, kind: RecordClass) -> int:
        """The greatest key that was ever appended."""
        memory = self._memory[kind]
        return max(self._logs[kind].last_key, memory[-1].key if memory else 0)

    def cursor(self, kind: RecordClass) -> int | None:
        """Up to where nothing is owed; None = there was never anything."""
        cursor = self._logs[kind].cursor
        return cursor.key if cursor.known else None

    @property
    def unsynced(self) -> bool:
        """Whether `sync` has something to do."""
        return self._memory_bytes > 0 or any(one.unsynced for one in self._logs.values())

    # ------------------------------------------------------------------ writing

    def append(self, kind: RecordClass, records: Sequence[SpoolRecord]) -> None:
        """Take records with keys greater than any before; others are here already and are left out.

        When this returns they outlast the process, unless the disk refuses: then they wait in memory.
        """
        last = self.last_key(kind)
        for record in records:
            if record.key <= last:
                continue
            last = record.key
            if _weight(record) > MAX_BODY_BYTES:
                self._dropped[DropReason.SIZE] += 1
                continue
            self._memory[kind].append(record)
            self._memory_bytes += _weight(record)
        if not self._error:  # else `sync` tries again: not at each message
            try:
                self._flush(kind)
            except OSError as error:
                self._disk_failed(error)
        self._keep_bounds()
        self._state = self._snapshot()

    def sync(self) -> None:
        """What was appended outlasts a power cut when this returns. Tries again what the disk refused before."""
        failure: OSError | None = None
        for kind in RecordClass:
            for step in (self._flush, self._sync_one):
                try:
                    step(kind)
                except OSError as error:
                    failure = error
        if failure is None and self._error:
            log.warning("spool: the disk takes messages again")
            self._error = ""
        elif failure is not None:
            self._disk_failed(failure)
        self._drop_aged()
        self._keep_bounds()
        self._state = self._snapshot()

    def _flush(self, kind: RecordClass) -> None:
        """Raises OSError."""
        memory = self._memory[kind]
        if not memory:
            return
        segments = self._logs[kind]
        try:
            segments.append(memory)
        finally:
            while memory and memory[0].key <= segments.last_key:
                self._memory_bytes -= _weight(memory.popleft())

    def _sync_one(self, kind: RecordClass) -> None:
        self._logs[kind].sync()

    def _disk_failed(self, error: OSError) -> None:
        text = f"{error.strerror or error}"
        if text != self._error:
            log.error("spool: %s: messages wait in memory", text)
        self._error = text

    # ------------------------------------------------------------------ reading

    def read(self, kind: RecordClass, after_key: int, limit: int) -> list[SpoolRecord]:
        """The next records with greater keys, oldest first; fewer than `limit` only at the end."""
        found = self._logs[kind].read(after_key, limit)
        if len(found) < limit:
            reached = found[-1].key if found else after_key
            found += [record for record in self._memory[kind] if record.key > reached][: limit - len(found)]
        self._state = self._snapshot()
        return found

    def acknowledge(self, kind: RecordClass, key: int) -> None:
        """Nothing up to this key is owed any more."""
        memory = self._memory[kind]
        while memory and memory[0].key <= key:
            self._memory_bytes -= _weight(memory.popleft())
        try:
            self._logs[kind].acknowledge(key)
        except OSError as error:
            self._disk_failed(error)
        self._state = self._snapshot()

    # ------------------------------------------------------------------ bounds

    def _keep_bounds(self) -> None:
        while sum(one.size_bytes for one in self._logs.values()) > self._limits.max_bytes:
            if not any(self._drop_oldest(kind, DropReason.BYTES) for kind in RecordClass):
                break
        while self._memory_bytes > self._limits.memory_bytes:
            for kind in RecordClass:
                if self._memory[kind]:
                    self._memory_bytes -= _weight(self._memory[kind].popleft())
                    self._dropped[DropReason.MEMORY] += 1
                    break

    def _drop_aged(self) -> None:
        now = self._unix_s()
        if now is None:
            return
        before_ms = (now - self._limits.max_age_s) * 1000
        for kind in RecordClass:
            while 0 < self._logs[kind].oldest_ms() < before_ms and self._drop_oldest(kind, DropReason.AGE):
                pass

    def _drop_oldest(self, kind: RecordClass, reason: DropReason) -> bool:
        lost = self._logs[kind].drop_oldest()
        if lost:
            log.warning("spool: %d %s dropped: %s", lost, kind.value, reason.value)
            self._dropped[reason] += lost
        return lost is not None

    def _found_damage(self, where: str) -> None:
        log.error("spool: damaged, skipped: %s", where)
        self._dropped[DropReason.DAMAGE] += 1
        self._damage = where

    def _snapshot(self) -> SpoolState:
        return SpoolState(
            owed={kind: one.owed + len(self._memory[kind]) for kind, one in self._logs.items()},
            bytes=sum(one.size_bytes for one in self._logs.values()),
            in_memory=sum(len(memory) for memory in self._memory.values()),
            dropped=dict(self._dropped),
            error=self._error,
            damage=self._damage,
            damaged=self._dropped[DropReason.DAMAGE],
        )

    def close(self) -> None:
        """Sync and close; what is still in memory is lost and counted."""
        self.sync()
        for kind, one in self._logs.items():
            lost = len(self._memory[kind])
            if lost:
                log.error("spool: %d %s are lost: %s", lost, kind.value, self._error)
            one.close()


def _weight(record: SpoolRecord) -> int:
    return len(record.payload) + len(record.topic) + RECORD_SPARE_BYTES
