# SPDX-License-Identifier: Apache-2.0
"""One file of a log: its header, what is in it, and reading it."""

from __future__ import annotations

import bisect
import struct
import zlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.spool.frame import RECORD_KIND, SEAL, SEAL_BYTES, SEAL_KIND, Frame, Gap, decode, scan
from agent.spool.record import RecordDamaged, SpoolRecord, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.spool.files import Files

FORMAT_VERSION = 1
HEADER = struct.Struct("<8sHHQI")
"""Magic, format version, length of the header, number of the segment, CRC-32 of what precedes it."""
MAGIC = b"PGSPOOL\n"
SUFFIX = ".seg"
CHUNK_BYTES = 65_536


class SegmentNewer(ValueError):
    """A later version wrote it: it stays for that version."""


@dataclass(slots=True)
class Segment:
    """What is known of a file without holding its records."""

    number: int
    file: Path
    start: int
    """Where the frames begin."""
    end: int
    """Where the next frame goes; bytes up to here count as the segment's size."""
    records: int = 0
    first_key: int = 0
    last_key: int = 0
    latest_ms: int = 0
    """The latest stamp of a record; 0 = none has one."""
    keys: array[int] | None = None
    """Every key, while the cursor is in this segment or frames are being appended to it."""
    gaps: list[Gap] = field(default_factory=list)

    def note(self, key: int, unix_ms: int) -> None:
        """A record was appended or found."""
        if not self.records:
            self.first_key = key
        self.records += 1
        self.last_key = key
        self.latest_ms = max(self.latest_ms, unix_ms)
        if self.keys is not None:
            self.keys.append(key)

    def owed(self, cursor: int) -> int:
        """Records after the cursor."""
        if not self.records or self.last_key <= cursor:
            return 0
        if self.keys is None or cursor < self.first_key:
            return self.records
        return self.records - bisect.bisect_right(self.keys, cursor)


def file_name(number: int) -> str:
    return f"{number:016d}{SUFFIX}"


def number_of(name: str) -> int | None:
    """The number of a segment's file; None = another file."""
    stem = name.removesuffix(SUFFIX)
    return int(stem) if stem != name and len(stem) == 16 and stem.isascii() and stem.isdigit() else None


def header(number: int) -> bytes:
    head = HEADER.pack(MAGIC, FORMAT_VERSION, HEADER.size, number, 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(head))


def header_bytes(number: int, data: bytes) -> int | None:
    """Where the frames begin; None = the header is damaged. Raises SegmentNewer."""
    if len(data) >= HEADER.size:
        magic, version, length, named, checksum = HEADER.unpack_from(data)
        sound = magic == MAGIC and named == number and checksum == zlib.crc32(data[: HEADER.size - 4])
        if sound and version > FORMAT_VERSION:
            raise SegmentNewer(f"format {version}, this version reads up to {FORMAT_VERSION}")
        if sound:
            return int(length)
    return None


def load(number: int, file: Path, files: Files, *, keys: bool) -> Segment:
    """Look at a file: at its seal if that will do, else at all of it. Raises OSError and SegmentNewer.

    A damaged header is taken for this version's, because each frame proves itself.
    """
    size = files.size(file)
    start = header_bytes(number, files.read(file, 0, HEADER.size))
    gaps = [Gap(0, HEADER.size)] if start is None else []
    start = HEADER.size if start is None else start
    if not keys and size >= start + SEAL_BYTES:
        tail = decode(number, size - SEAL_BYTES, files.read(file, size - SEAL_BYTES, SEAL_BYTES), 0)
        if tail is not None and tail.kind == SEAL_KIND and len(tail.body) == SEAL.size:
            records, last_key, latest_ms = SEAL.unpack(tail.body)
            return Segment(number, file, start, size, records, tail.key, last_key, latest_ms, gaps=gaps)
    segment = Segment(number, file, start, start, keys=array("Q"), gaps=gaps)
    for found in scan(number, start, files.read(file, start, max(0, size - start))):
        if isinstance(found, Gap):
            segment.gaps.append(found)
        elif (record := _record(found)) is None:
            if found.kind == RECORD_KIND:
                segment.gaps.append(Gap(found.offset, found.end))
        elif record.key > segment.last_key:
            segment.note(record.key, record.unix_ms)
        segment.end = found.end
    if not keys:
        segment.keys = None
    return segment


def records(segment: Segment, files: Files, offset: int) -> Iterator[tuple[SpoolRecord | Gap, int]]:
    """Sound records and damage from a place on, each with the place after it: a chunk of them, or at least one.

    Nothing is left at that place when nothing comes. Raises OSError.
    """
    rest = segment.end - offset
    for length in (min(CHUNK_BYTES, rest), rest):
        data = files.read(segment.file, offset, length)
        came = False
        for found in scan(segment.number, offset, data):
            if isinstance(found, Gap):
                if length < rest and found.end == offset + len(data):
                    break  # perhaps no damage but a frame of which the chunk has only the beginning
                yield found, found.end
            elif (record := _record(found)) is not None:
                yield record, found.end
            elif found.kind == RECORD_KIND:
                yield Gap(found.offset, found.end), found.end
            else:
                continue
            came = True
        if came or length == rest:
            return


def _record(frame: Frame) -> SpoolRecord | None:
    if frame.kind != RECORD_KIND:
        return None
    try:
        return unpack(frame.key, frame.body)
    except RecordDamaged:
        return None
