# SPDX-License-Identifier: Apache-2.0
"""System event records, type 02h: sixteen bytes (IPMI 2.0 table 32-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ipmi import timestamp
from ipmi.message import BMC_ADDRESS

LENGTH: Final = 16
_SYSTEM_EVENT = 0x02
_EVENT_MESSAGE_REVISION = 0x04
_DEASSERTED = 0x80


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """One event of a sensor of this controller."""

    sensor_type: int
    sensor_number: int
    reading_type: int
    data: tuple[int, int, int]
    """Event data 1 to 3; FFh = not used."""
    asserted: bool = True
    logged_at: int = 0
    """Seconds since 1970 (UTC)."""
    record_id: int = 0


def encode(event: SystemEvent) -> bytes:
    """The record as it is kept and sent."""
    direction = event.reading_type | (0 if event.asserted else _DEASSERTED)
    return (
        event.record_id.to_bytes(2, "little")
        + bytes((_SYSTEM_EVENT,))
        + timestamp.encode(event.logged_at)
        + bytes((BMC_ADDRESS, 0, _EVENT_MESSAGE_REVISION, event.sensor_type, event.sensor_number, direction))
        + bytes(event.data)
    )


def decode(record: bytes) -> SystemEvent | None:
    """The event in a record; None for OEM records and other lengths, which mean nothing to this server."""
    if len(record) != LENGTH or record[2] != _SYSTEM_EVENT:
        return None
    return SystemEvent(
        sensor_type=record[10],
        sensor_number=record[11],
        reading_type=record[12] & ~_DEASSERTED,
        data=(record[13], record[14], record[15]),
        asserted=not record[12] & _DEASSERTED,
        logged_at=int.from_bytes(record[3:7], "little"),
        record_id=int.from_bytes(record[:2], "little"),
    )
