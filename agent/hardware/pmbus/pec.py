# SPDX-License-Identifier: Apache-2.0
"""SMBus packet error code: CRC-8, polynomial x^8+x^2+x+1, start 0, over every byte including addresses."""

from __future__ import annotations

POLYNOMIAL = 0x07


def _shifted(value: int) -> int:
    for _ in range(8):
        value = (value << 1 ^ POLYNOMIAL if value & 0x80 else value << 1) & 0xFF
    return value


TABLE = bytes(map(_shifted, range(256)))


def crc8(data: bytes, start: int = 0) -> int:
    """The PEC after `data`."""
    crc = start
    for byte in data:
        crc = TABLE[crc ^ byte]
    return crc


def read_pec(address: int, sent: bytes, received: bytes) -> int:
    """The PEC of a write of `sent` and, after a repeated start, a read of `received`."""
    return crc8(bytes((address << 1,)) + sent + bytes((address << 1 | 1,)) + received)
