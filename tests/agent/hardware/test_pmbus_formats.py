# SPDX-License-Identifier: Apache-2.0
"""PMBus numbers: golden words, round trips, packet error codes, energy counters over their rollovers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.hardware.pmbus.energy import EnergyCount, average_w, decode_energy, wraps_after_s
from agent.hardware.pmbus.formats import (
    Coefficients,
    decode_coefficients,
    decode_direct,
    decode_linear11,
    decode_vout,
    encode_linear11,
)
from agent.hardware.pmbus.pec import crc8, read_pec


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (0x0000, 0.0), (0x0001, 1.0), (0x07FF, -1.0), (0xF801, 0.5), (0x0BFF, 2046.0), (0xE8E6, 28.75),
        (0x8400, -0.015625),
    ],
)  # fmt: skip
def test_linear11_golden(word: int, value: float) -> None:
    assert decode_linear11(word) == value


@given(st.floats(-3e7, 3e7))
def test_linear11_is_within_its_precision(value: float) -> None:
    assert decode_linear11(encode_linear11(value)) == pytest.approx(value, rel=1 / 512, abs=1e-4)


def test_linear11_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_linear11(1e9)


@pytest.mark.parametrize(
    ("word", "mode", "volts"),
    [
        (0x1833, 0x17, 12.099609375),
        (0x1833, 0x20, None),  # VID
        (0x1833, 0xFF, None),  # unsupported
        (0x1833, 0x40, 1.2388),  # DIRECT: m = 5000, b = 1, R = 0 below
        (0x4A0C, 0x60, 12.09375),  # IEEE half precision
    ],
)
def test_vout_follows_vout_mode(word: int, mode: int, volts: float | None) -> None:
    decoded = decode_vout(word, mode, Coefficients(m=5000, b=1, r=0))
    assert decoded == (None if volts is None else pytest.approx(volts, abs=1e-4))


def test_direct() -> None:
    assert decode_coefficients(bytes.fromhex("d0 07 06 ff fe")) == Coefficients(2000, -250, -2)
    assert decode_coefficients(b"\0") is None
    assert decode_direct(0x0064, Coefficients(2000, -250, -2)) == pytest.approx((100 * 100 + 250) / 2000)
    assert decode_direct(0xFFFF, Coefficients(1, 0, 0)) == -1.0
    assert decode_direct(1, Coefficients(0, 0, 0)) is None


def test_packet_error_code() -> None:
    assert crc8(b"123456789") == 0xF4  # the check value of CRC-8
    assert read_pec(0x5A, b"\x07", b"\xd2\x3a") == crc8(bytes.fromhex("b4 07 b5 d2 3a"))


@given(st.binary(min_size=1, max_size=40), st.integers(0, 319))
def test_packet_error_code_finds_every_flipped_bit(data: bytes, bit: int) -> None:
    place = bit % (8 * len(data))
    flipped = bytearray(data)
    flipped[place // 8] ^= 1 << place % 8
    assert crc8(bytes(flipped)) != crc8(data)


def test_energy_block() -> None:
    assert decode_energy(bytes.fromhex("34 12 05 03 02 01")) == EnergyCount(0x1234, 5, 0x010203)
    assert decode_energy(b"12345") is None
    assert wraps_after_s(1000, 10) > 60


@given(
    watts=st.integers(0, 3000),
    samples=st.integers(1, 2000),
    start=st.integers(0, 0x8000 * 256 - 1),
    counted=st.integers(0, (1 << 24) - 1),
    modulus=st.sampled_from([0x8000, 0x10000]),
)
def test_average_over_every_rollover(watts: int, samples: int, start: int, counted: int, modulus: int) -> None:
    def count(total: int, samples: int) -> EnergyCount:
        return EnergyCount(total % modulus, total // modulus % 256, samples % (1 << 24))

    before, now = count(start, counted), count(start + watts * samples, counted + samples)
    if watts * samples < modulus * 256:
        assert average_w(before, now, modulus) == pytest.approx(watts)
    assert average_w(before, before, modulus) is None
