# SPDX-License-Identifier: Apache-2.0
"""Records and spools for the tests, and a file system that fails when told to."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from agent.spool.files import Files
from agent.spool.record import RecordClass, SpoolRecord
from agent.spool.spool import Spool, SpoolLimits

if TYPE_CHECKING:
    from pathlib import Path

EVENT, SAMPLE = RecordClass.EVENT, RecordClass.SAMPLE
NOW_S = 1_800_000_000.0
SMALL = SpoolLimits(max_bytes=1 << 20, segment_bytes=4096)


def record(key: int, size: int = 200, unix_ms: int = int(NOW_S * 1000)) -> SpoolRecord:
    return SpoolRecord(key, unix_ms, "event", f"{key:020d}".encode() * (size // 20))


def new_spool(
    folder: Path, limits: SpoolLimits = SMALL, files: Files | None = None, now: float | None = NOW_S
) -> Spool:
    return Spool(folder, lambda: now, limits, files)


def keys(spool: Spool, kind: RecordClass = EVENT, after: int | None = None, step: int = 7) -> list[int]:
    """Everything owed, read a few at a time."""
    reached = (spool.cursor(kind) or 0) if after is None else after
    found: list[int] = []
    while batch := spool.read(kind, reached, step):
        for one in batch:
            assert one == record(one.key, len(one.payload), one.unix_ms)
        found += [one.key for one in batch]
        reached = found[-1]
    return found


def segment_files(folder: Path, kind: RecordClass = EVENT) -> list[Path]:
    return sorted((folder / kind.value).glob("*.seg"))


class FailingFiles(Files):
    """`error` is what every write and create answers; `room` bytes still fit before it."""

    def __init__(self) -> None:
        self.error: int | None = None
        self.sync_error: int | None = None
        self.room = 0
        self.syncs = 0

    def _fail(self, number: int) -> None:
        raise OSError(number, os.strerror(number))

    def create(self, file: Path) -> int:
        if self.error == errno.EROFS:
            self._fail(errno.EROFS)
        return super().create(file)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        if self.error is None:
            super().write(descriptor, data, offset)
            return
        super().write(descriptor, data[: self.room], offset)  # a full disk takes a part
        self.room = 0
        self._fail(self.error)

    def truncate(self, descriptor: int, length: int) -> None:
        if self.error in (errno.EROFS, errno.EIO):
            self._fail(self.error)
        super().truncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        if self.sync_error is not None:
            self._fail(self.sync_error)
        super().sync(descriptor)
