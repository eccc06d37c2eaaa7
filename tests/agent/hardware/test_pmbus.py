# SPDX-License-Identifier: Apache-2.0
"""PMBus and LM75 numbers: golden words, round trips, and a driver that meets a supply without a register."""

from __future__ import annotations

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.hardware.lm75 import decode_temperature, encode_temperature
from agent.hardware.pmbus import (
    TRIES,
    PmbusSupply,
    Register,
    decode_linear11,
    decode_linear16,
    encode_linear11,
)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (0x0000, 0.0),
        (0x0001, 1.0),
        (0x07FF, -1.0),
        (0xF801, 0.5),
        (0x0BFF, 2046.0),
        (0xE8E6, 28.75),
        (0x8400, -0.015625),
    ],
)
def test_linear11_golden(word: int, value: float) -> None:
    assert decode_linear11(word) == value


@given(st.floats(-3e7, 3e7))
def test_linear11_is_within_its_precision(value: float) -> None:
    assert decode_linear11(encode_linear11(value)) == pytest.approx(value, rel=1 / 512, abs=1e-4)


def test_linear11_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_linear11(1e9)


def test_linear16_follows_vout_mode() -> None:
    assert decode_linear16(0x1833, 0x17) == pytest.approx(12.1, abs=0.002)
    assert decode_linear16(0x1833, 0x20) is None  # VID
    assert decode_linear16(0x1833, 0xFF) is None  # unsupported


@pytest.mark.parametrize(("word", "celsius"), [(0x0019, 25.0), (0x80FF, -0.5), (0x007F, 127.0), (0x00C9, -55.0)])
def test_lm75_golden(word: int, celsius: float) -> None:
    assert decode_temperature(word) == celsius
    assert encode_temperature(celsius) == word


class OneRegisterShort:
    """A supply that answers everything but one register, and counts what is asked."""

    def __init__(self, missing: Register) -> None:
        self.missing = missing
        self.asked: list[int] = []

    def _answer(self, command: int) -> int:
        self.asked.append(command)
        if command == self.missing:
            raise OSError(errno.ENXIO, "nobody answered")
        return 0x17 if command == Register.VOUT_MODE else 0

    def read_byte_data(self, address: int, command: int) -> int:
        return self._answer(command)

    def read_word_data(self, address: int, command: int) -> int:
        return self._answer(command)

    def write_byte_data(self, address: int, command: int, value: int) -> None:
        self._answer(command)

    def read_block_data(self, address: int, command: int) -> bytes:
        self._answer(command)
        return b"text\x00"

    def close(self) -> None: ...


def test_a_missing_register_reads_none_and_is_not_asked_again() -> None:
    port, supply = OneRegisterShort(Register.READ_FAN_SPEED_1), PmbusSupply(0x58)
    assert supply.readings(port).fan_rpm is None
    assert supply.readings(port).fan_rpm is None
    assert port.asked.count(Register.READ_FAN_SPEED_1) == TRIES
    supply.forget()
    supply.readings(port)
    assert port.asked.count(Register.READ_FAN_SPEED_1) == 2 * TRIES


def test_a_supply_without_status_is_an_error_after_bounded_tries() -> None:
    port, supply = OneRegisterShort(Register.STATUS_WORD), PmbusSupply(0x58)
    with pytest.raises(OSError, match="nobody answered"):
        supply.readings(port)
    assert port.asked == [Register.STATUS_WORD] * TRIES
