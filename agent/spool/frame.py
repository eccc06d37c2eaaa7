# SPDX-License-Identifier: Apache-2.0
"""Frames: how a segment tells records from damage. Pure functions on bytes (the format: docs/mqtt-spool.md)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.spool.record import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = b"\xa7\x5b"
FRAME = struct.Struct("<2sBBIQI")
"""Mark, kind, reserved, length of the body, key, CRC-32."""
SEED = struct.Struct("<QQ")

RECORD_KIND = 0
SEAL_KIND = 1
SEAL = struct.Struct("<QQQ")
"""Last frame of a full segment: records, last key, latest unix_ms."""
SEAL_BYTES = FRAME.size + SEAL.size


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose checksum holds; `offset` and `end` are places in its segment."""

    offset: int
    end: int
    kind: int
    key: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of a segment that are no frame."""

    offset: int
    end: int


def encode(segment: int, offset: int, kind: int, key: int, body: bytes) -> bytes:
    """The frame for this place: the checksum covers the place too, so that bytes copied elsewhere are no frame."""
    return FRAME.pack(MARK, kind, 0, len(body), key, _checksum(segment, offset, kind, key, body)) + body


def decode(segment: int, base: int, data: bytes, start: int) -> Frame | None:
    """The frame at `start` of `data`, whose first byte lies at `base` of the segment; None = no whole, sound frame."""
    if len(data) - start < FRAME.size:
        return None
    mark, kind, reserved, length, key, checksum = FRAME.unpack_from(data, start)
    if mark != MARK or reserved or length > MAX_BODY_BYTES or len(data) - start - FRAME.size < length:
        return None
    body = data[start + FRAME.size : start + FRAME.size + length]
    if checksum != _checksum(segment, base + start, kind, key, body):
        return None
    return Frame(base + start, base + start + FRAME.size + length, kind, key, body)


def scan(segment: int, base: int, data: bytes) -> Iterator[Frame | Gap]:
    """All sound frames of bytes that lie at `base` of the segment, and the gaps between them."""
    position = 0
    gap_from: int | None = None
    while 0 <= position < len(data):
        frame = decode(segment, base, data, position)
        if frame is None:
            gap_from = position if gap_from is None else gap_from
            position = data.find(MARK, position + 1)
            continue
        if gap_from is not None:
            yield Gap(base + gap_from, base + position)
            gap_from = None
        yield frame
        position = frame.end - base
    if gap_from is not None:
        yield Gap(base + gap_from, base + len(data))


def _checksum(segment: int, offset: int, kind: int, key: int, body: bytes) -> int:
    seed = zlib.crc32(SEED.pack(segment, offset))
    return zlib.crc32(body, zlib.crc32(struct.pack("<BIQ", kind, len(body), key), seed))
