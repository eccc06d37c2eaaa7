# SPDX-License-Identifier: Apache-2.0
"""LM75-family temperature sensors (LM75, TMP75, TMP1075): register 0, two's complement, left-aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.hardware.smbus import SmbusPort

TEMPERATURE = 0x00


def decode_temperature(word: int) -> float:
    """Degrees Celsius from an SMBus word; the chip sends the high byte first."""
    raw = (word & 0xFF) << 8 | word >> 8
    return (raw - 0x10000 if raw & 0x8000 else raw) / 256


def encode_temperature(celsius: float) -> int:
    """The SMBus word that the chip gives at this temperature, in its 1/16 degree steps."""
    raw = round(celsius * 16) * 16 & 0xFFF0
    return (raw & 0xFF) << 8 | raw >> 8


def read_temperature(port: SmbusPort, address: int) -> float:
    """Degrees Celsius now. Raises OSError."""
    return decode_temperature(port.read_word_data(address, TEMPERATURE))
