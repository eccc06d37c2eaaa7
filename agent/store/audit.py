# SPDX-License-Identifier: Apache-2.0
"""The audit trail: one JSON object per line, appended and never changed, rotated by size.

Who asked for what, whether it was allowed, and what became of it. A line is on the disk a second after it was noted at
the latest; a line that a power cut tore is completed by a line feed, so that it spoils no other.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor
    from pathlib import Path

log = logging.getLogger(__name__)

NAME = "audit.jsonl"
MAX_BYTES = 1_048_576
KEPT_FILES = 8
MODE = 0o640
MAX_PENDING = 4096


class AuditTrail:
    """Used on the loop's thread; files are touched on the storage thread only."""

    def __init__(
        self, directory: Path, thread: Executor, *, max_bytes: int = MAX_BYTES, kept_files: int = KEPT_FILES
    ) -> None:
        self._path = directory / NAME
        self._thread = thread
        self._max_bytes = max_bytes
        self._kept_files = kept_files
        self._pending: list[bytes] = []
        self._writer: asyncio.Task[None] | None = None
        self.failures = 0
        """Lines that could not be written, or had no room to wait."""

    def note(self, entry: Mapping[str, object]) -> None:
        """Append one line. Returns at once, raises nothing."""
        if len(self._pending) >= MAX_PENDING:
            self.failures += 1
            return
        self._pending.append(msgspec.json.encode(entry) + b"\n")
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="audit")

    async def close(self) -> None:
        """Wait until all is on the disk. Raises nothing."""
        while self._writer is not None and not self._writer.done():
            await self._writer

    async def latest(self, count: int) -> list[dict[str, object]]:
        """The newest `count` lines, oldest first; torn lines are left out. Raises OSError."""
        await self.close()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, count)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pending:
            batch, self._pending = self._pending, []
            try:
                await loop.run_in_executor(self._thread, self._append, b"".join(batch))
            except OSError as error:
                self.failures += len(batch)
                log.error("audit lines not written: %s", error)

    def _append(self, lines: bytes) -> None:
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            if size and size + len(lines) > self._max_bytes:
                os.close(file)
                self._rotate()
                file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
            view = memoryview(lines)
            while view:
                view = view[os.write(file, view) :]
            os.fdatasync(file)
        finally:
            os.close(file)

    def _rotate(self) -> None:
        """`audit.jsonl` becomes `.1`, `.1` becomes `.2`, and so on; the last one goes."""
        for number in range(self._kept_files - 2, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{NAME}.{number}")

    def _read(self, count: int) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for path in (self._path, *map(self._numbered, range(1, self._kept_files))):
            if len(found) >= count or not path.exists():
                break
            found = [*_entries(path), *found]
        return found[-count:] if count > 0 else []


def _entries(path: Path) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    for line in path.read_bytes().splitlines():
        try:
            entries.append(msgspec.json.decode(line, type=dict[str, object]))
        except msgspec.MsgspecError:
            continue
    return entries
