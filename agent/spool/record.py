# SPDX-License-Identifier: Apache-2.0
"""One spooled message and its bytes inside a frame."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import msgspec

MAX_BODY_BYTES = 1024 * 1024
"""Longer lengths in a file are damage."""


class RecordClass(enum.Enum):
    """What gives way first when space runs out. The value is the folder of the class."""

    SAMPLE = "samples"
    EVENT = "events"


class DropReason(enum.Enum):
    """Why a message never reached the broker."""

    BYTES = "bytes"
    """The spool was as large as it may be."""
    AGE = "age"
    MEMORY = "memory"
    """The disk took nothing and the memory was full."""
    DAMAGE = "damage"
    """A record that was on the disk cannot be read; counted once per damaged stretch."""
    SIZE = "size"
    """Too long for any record."""


class RecordDamaged(ValueError):
    """The body of a frame whose checksum holds is not what this version writes."""


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """`key` orders the records of a class, over restarts. `unix_ms` = when it happened, 0 while the clock was not set.

    `topic` is relative to the board's base; `payload` is what is published.
    """

    key: int
    unix_ms: int
    topic: str
    payload: bytes


class _Body(msgspec.Struct, array_like=True, frozen=True):
    unix_ms: int
    topic: str
    payload: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def pack(record: SpoolRecord) -> bytes:
    """The body: a MessagePack array of unix_ms, topic, payload. The key is in the frame."""
    return _encoder.encode(_Body(record.unix_ms, record.topic, record.payload))


def unpack(key: int, body: bytes) -> SpoolRecord:
    """Further elements belong to a later version and are ignored. Raises RecordDamaged."""
    try:
        read = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise RecordDamaged(str(error)) from error
    return SpoolRecord(key, read.unix_ms, read.topic, read.payload)
