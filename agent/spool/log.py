# SPDX-License-Identifier: Apache-2.0
"""The segments of one class in one folder: appended at one end, read in order, removed at the other."""

from __future__ import annotations

import contextlib
import logging
from array import array
from typing import TYPE_CHECKING

from agent.spool.cursor import Cursor
from agent.spool.frame import RECORD_KIND, SEAL, SEAL_KIND, Gap, encode
from agent.spool.record import pack
from agent.spool.segment import HEADER, Segment, SegmentNewer, file_name, header, load, number_of, records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.spool.files import Files
    from agent.spool.record import SpoolRecord

log = logging.getLogger(__name__)

CURSOR = "cursor"


class SegmentLog:
    """Storage thread only. Keys grow; the cursor says up to where nothing is owed."""

    def __init__(self, folder: Path, files: Files, segment_bytes: int, damaged: Callable[[str], None]) -> None:
        """Look at what is there: only the segments at the two ends as a whole. `damaged` is told file and offsets."""
        self.last_key = 0
        self._folder = folder
        self._files = files
        self._segment_bytes = segment_bytes
        self._damaged = damaged
        self._segments: list[Segment] = []
        """Those that hold records, oldest first; the last one may be open for appending."""
        self._next_number = 1
        self._open: int | None = None
        self._unsynced = False
        self._folder_unsynced = False
        self._reading: tuple[int, int, int] | None = None
        """Where the last read ended: segment, offset, key."""
        self.cursor = Cursor(folder / CURSOR, files)
        self._look()

    # ------------------------------------------------------------------ what is there

    @property
    def size_bytes(self) -> int:
        return sum(segment.end for segment in self._segments)

    @property
    def owed(self) -> int:
        """Records after the cursor."""
        return sum(segment.owed(self.cursor.key) for segment in self._segments)

    @property
    def segments(self) -> int:
        return len(self._segments)

    @property
    def unsynced(self) -> bool:
        return self._unsynced

    def _look(self) -> None:
        try:
            self._files.make_folder(self._folder)
            numbers = sorted(n for name in self._files.names(self._folder) if (n := number_of(name)) is not None)
        except OSError as error:
            log.warning("spool: %s: %s", self._folder, error.strerror)
            return
        for number in numbers:
            self._next_number = number + 1
            file = self._folder / file_name(number)
            try:
                segment = load(number, file, self._files, keys=number == numbers[-1])
            except SegmentNewer as error:
                self._damaged(f"{file}: {error}")
                continue
            except OSError as error:
                self._damaged(f"{file}: {error.strerror}")
                continue
            for gap in segment.gaps:
                self._damaged(f"{segment.file}: bytes {gap.offset} to {gap.end}")
            if segment.records:
                self._segments.append(segment)
                self.last_key = max(self.last_key, segment.last_key)
            else:
                self._remove(segment)
        self.last_key = max(self.last_key, self.cursor.key)
        self._forget_done()

    # ------------------------------------------------------------------ writing

    def append(self, batch: Sequence[SpoolRecord]) -> None:
        """Write records with keys after the last one, in one system call for each segment. Raises OSError.

        After an error none of those that `last_key` has not reached is stored.
        """
        pending = [record for record in batch if record.key > self.last_key]
        while pending:
            descriptor = self._writable()
            segment = self._segments[-1]
            frames = bytearray()
            fitting: list[SpoolRecord] = []
            for record in pending:
                offset = segment.end + len(frames)
                if offset >= self._segment_bytes:
                    break
                frames += encode(segment.number, offset, RECORD_KIND, record.key, pack(record))
                fitting.append(record)
            try:
                self._files.write(descriptor, bytes(frames), segment.end)
            except OSError:
                self._abandon()
                raise
            self._unsynced = True
            segment.end += len(frames)
            for record in fitting:
                segment.note(record.key, record.unix_ms)
            self.last_key = fitting[-1].key
            pending = pending[len(fitting) :]

    def sync(self) -> None:
        """What was appended outlasts a power cut when this returns. Raises OSError."""
        self.cursor.store()
        try:
            if self._unsynced and self._open is not None:
                self._files.sync(self._open)
            if self._folder_unsynced:
                self._files.sync_folder(self._folder)
        except OSError:
            # The kernel forgets pages that it could not write: nothing more goes into this file.
            self._abandon()
            raise
        finally:
            self._unsynced = self._folder_unsynced = False

    def _writable(self) -> int:
        if self._open is not None and self._segments[-1].end >= self._segment_bytes:
            self._seal()
        if self._open is None:
            self._files.make_folder(self._folder)
            number = self._next_number
            file = self._folder / file_name(number)
            descriptor = self._files.create(file)
            self._next_number += 1
            try:
                self._files.write(descriptor, header(number), 0)
            except OSError:
                self._files.close(descriptor)
                with contextlib.suppress(OSError):
                    self._files.remove(file)
                raise
            self._open = descriptor
            self._folder_unsynced = True
            self._segments.append(Segment(number, file, HEADER.size, HEADER.size, keys=array("Q")))
        return self._open

    def _seal(self) -> None:
        """Finish the open segment: its last frame says what is in it."""
        segment = self._segments[-1]
        body = SEAL.pack(segment.records, segment.last_key, segment.latest_ms)
        seal = encode(segment.number, segment.end, SEAL_KIND, segment.first_key, body)
        assert self._open is not None
        self._files.write(self._open, seal, segment.end)
        segment.end += len(seal)
        self._unsynced = True
        self.sync()
        self._close_open()
        self._forget_keys()

    def _abandon(self) -> None:
        """After an error: cut off what was written in part, and go on in a new file when there is one."""
        if self._open is None:
            return
        segment = self._segments[-1]
        with contextlib.suppress(OSError):
            self._files.truncate(self._open, segment.end)
        self._close_open()
        if not segment.records:
            self._segments.pop()
            self._remove(segment)

    def _close_open(self) -> None:
        if self._open is not None:
            with contextlib.suppress(OSError):
                self._files.close(self._open)
            self._open = None

    # ------------------------------------------------------------------ reading

    def read(self, after_key: int, limit: int) -> list[SpoolRecord]:
        """At most `limit` next records with greater keys; fewer only at the end. What cannot be read is damage."""
        found: list[SpoolRecord] = []
        for segment in self._segments:
            if segment.last_key <= after_key or len(found) >= limit:
                continue
            try:
                self._read_segment(segment, max(after_key, found[-1].key if found else 0), limit, found)
            except OSError as error:
                self._damaged(f"{segment.file}: {error.strerror}")
        return found

    def _read_segment(self, segment: Segment, after_key: int, limit: int, found: list[SpoolRecord]) -> None:
        offset, key = segment.start, after_key
        if self._reading is not None and self._reading[0] == segment.number and self._reading[2] <= after_key:
            offset = self._reading[1]
        while len(found) < limit and offset < segment.end:
            before = offset
            for item, end in records(segment, self._files, offset):
                offset = end
                if isinstance(item, Gap):
                    if item not in segment.gaps:
                        segment.gaps.append(item)
                        self._damaged(f"{segment.file}: bytes {item.offset} to {item.end}")
                elif item.key > key:
                    found.append(item)
                    key = item.key
                    if len(found) >= limit:
                        break
            if offset == before:
                break
        self._reading = (segment.number, offset, key)

    # ------------------------------------------------------------------ removing

    def acknowledge(self, key: int) -> None:
        """Nothing up to this key is owed any more. Raises OSError when the cursor could not be stored."""
        if key <= self.cursor.key and self.cursor.known:
            return
        try:
            self.cursor.put(key)
        finally:
            self._forget_done()

    def _forget_done(self) -> None:
        """Remove segments behind the cursor, but for the last one; know every key of the one where the cursor is."""
        while len(self._segments) > 1 and self._segments[0].last_key <= self.cursor.key:
            self._remove(self._segments.pop(0))
        if self._segments and self._segments[0].keys is None and self.cursor.key >= self._segments[0].first_key:
            with contextlib.suppress(OSError, SegmentNewer):
                first = self._segments[0]
                again = load(first.number, first.file, self._files, keys=True)
                first.keys, first.records = again.keys, again.records

    def _forget_keys(self) -> None:
        """A segment between the two ends needs no keys in memory."""
        if len(self._segments) > 1 and self._segments[-1].first_key > self.cursor.key:
            self._segments[-1].keys = None

    def drop_oldest(self) -> int | None:
        """Remove the oldest segment that is not the only one; the number of records that were still owed.

        None when there is no such segment.
        """
        if len(self._segments) < 2:
            return None
        segment = self._segments.pop(0)
        lost = segment.owed(self.cursor.key)
        self._remove(segment)
        return lost

    def oldest_ms(self) -> int:
        """The latest stamp in the oldest segment; 0 = unknown."""
        return self._segments[0].latest_ms if self._segments else 0

    def _remove(self, segment: Segment) -> None:
        with contextlib.suppress(OSError):  # left behind, it is removed at the next start
            self._files.remove(segment.file)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sync()
        self._close_open()
        with contextlib.suppress(OSError):
            self.cursor.close()
