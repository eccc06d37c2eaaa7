# SPDX-License-Identifier: Apache-2.0
"""PMBus number formats (PMBus Part II, sections 7 and 8): LINEAR11, LINEAR16, DIRECT, IEEE half precision."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

UNSUPPORTED_MODE = 0xFF


class VoutFormat(enum.IntEnum):
    """VOUT_MODE bits 7:5."""

    LINEAR = 0
    VID = 1
    DIRECT = 2
    IEEE_HALF = 3


@dataclass(frozen=True, slots=True)
class Coefficients:
    """DIRECT format: X = (Y * 10^-R - b) / m."""

    m: int
    b: int
    r: int


def decode_linear11(word: int) -> float:
    """Value of a LINEAR11 word: 5-bit signed exponent above an 11-bit signed mantissa."""
    return float(_signed(word & 0x7FF, 11) * 2.0 ** _signed(word >> 11, 5))


def encode_linear11(value: float) -> int:
    """The LINEAR11 word nearest to `value`. Raises ValueError beyond +-33.5 million."""
    for exponent in range(-16, 16):
        mantissa = round(value / 2.0**exponent)
        if -1024 <= mantissa <= 1023:
            return (exponent & 0x1F) << 11 | mantissa & 0x7FF
    raise ValueError(f"{value} does not fit LINEAR11")


def decode_linear16(word: int, vout_mode: int) -> float:
    """Volts from an unsigned mantissa and the signed exponent in VOUT_MODE bits 4:0."""
    return float(word * 2.0 ** _signed(vout_mode & 0x1F, 5))


def decode_direct(word: int, coefficients: Coefficients) -> float | None:
    """Value of a DIRECT word; None when the supply's coefficients make no sense (m = 0)."""
    if coefficients.m == 0:
        return None
    return float((_signed(word, 16) * 10.0**-coefficients.r - coefficients.b) / coefficients.m)


def decode_half(word: int) -> float:
    return float(struct.unpack("<e", word.to_bytes(2, "little"))[0])


def decode_vout(word: int, vout_mode: int, coefficients: Coefficients | None) -> float | None:
    """Volts by VOUT_MODE; None for VID, for an unsupported mode, and for DIRECT without coefficients."""
    if vout_mode == UNSUPPORTED_MODE:
        return None
    match vout_mode >> 5:
        case VoutFormat.LINEAR:
            return decode_linear16(word, vout_mode)
        case VoutFormat.DIRECT:
            return None if coefficients is None else decode_direct(word, coefficients)
        case VoutFormat.IEEE_HALF:
            return decode_half(word)
    return None


def decode_coefficients(block: bytes) -> Coefficients | None:
    """The five bytes that COEFFICIENTS answers: m and b little-endian, R one byte, all signed."""
    if len(block) != 5:
        return None
    m, b, r = struct.unpack("<hhb", block)
    return Coefficients(m, b, r)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value & 1 << (bits - 1) else value
