# SPDX-License-Identifier: Apache-2.0
"""The kernel's adapter without block reads (the Raspberry Pi's): one raw transfer, checked here."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from agent.hardware.linux_smbus import FUNC_I2C, FUNC_PEC, FUNC_READ_BLOCK_DATA, LinuxSmbus
from agent.hardware.pmbus.pec import read_pec
from agent.hardware.smbus import BusError


class RawAdapter:
    """Stands for smbus2.SMBus on an adapter that only moves bytes."""

    fd = None
    funcs = FUNC_I2C | FUNC_PEC
    pec = 0

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.sent: list[tuple[int, bytes, int]] = []

    def i2c_rdwr(self, write: Any, read: Any) -> None:
        assert (write.addr, write.flags, read.flags) == (read.addr, 0, 1)
        self.sent.append((write.addr, bytes(write), read.len))
        for place in range(read.len):
            read.buf[place] = self.answer[place : place + 1] or b"\xff"

    def read_block_data(self, address: int, register: int) -> list[int]:
        raise AssertionError("the adapter cannot do this")


def opened(answer: bytes) -> tuple[LinuxSmbus, RawAdapter]:
    adapter = RawAdapter(answer)
    return LinuxSmbus(1, lambda number: adapter), adapter


def test_block_in_one_transfer_with_a_packet_error_code() -> None:
    block = b"\x05PGOOD"
    port, adapter = opened(block + bytes((read_pec(0x58, b"\x99", block),)))
    assert port.read_block_data(0x58, 0x99, pec=True) == b"PGOOD"
    assert adapter.sent == [(0x58, b"\x99", 1 + 32 + 1)]


def test_block_without_a_packet_error_code() -> None:
    port, adapter = opened(b"\x05PGOOD")
    assert port.read_block_data(0x58, 0x99) == b"PGOOD"
    assert adapter.sent == [(0x58, b"\x99", 1 + 32)]


def test_a_wrong_code_is_an_error() -> None:
    port, _ = opened(b"\x05PGOOD\x00")
    with pytest.raises(OSError, match=r".") as error:
        port.read_block_data(0x58, 0x99, pec=True)
    assert error.value.errno == errno.EBADMSG


@pytest.mark.parametrize("length", [0, 33, 255])
def test_an_impossible_length_is_an_error(length: int) -> None:
    port, _ = opened(bytes((length,)) + bytes(40))
    with pytest.raises(OSError, match=r".") as error:
        port.read_block_data(0x58, 0x99)
    assert error.value.errno == errno.EPROTO


def test_process_call() -> None:
    sent, block = b"\x30\x02\x8b\x01", b"\x05\x64\0\0\0\0"
    port, adapter = opened(block + bytes((read_pec(0x58, sent, block),)))
    assert port.block_process_call(0x58, 0x30, b"\x8b\x01", pec=True) == block[1:]
    assert adapter.sent == [(0x58, sent, 34)]


def test_the_kernels_own_block_read_is_used_where_there_is_one() -> None:
    class Kernel(RawAdapter):
        funcs = FUNC_READ_BLOCK_DATA

        def read_block_data(self, address: int, register: int) -> list[int]:
            return list(b"X")

    port = LinuxSmbus(1, lambda number: Kernel(b""))
    assert (port.read_block_data(0x58, 0x99), port.can_pec, port.can_process_call) == (b"X", False, False)


@pytest.mark.parametrize(
    ("error", "cure"), [(PermissionError(), "group i2c"), (FileNotFoundError(), "enable I2C"), (OSError(5, "x"), "x")]
)
def test_a_bus_that_cannot_be_opened_names_the_cure(error: OSError, cure: str) -> None:
    def fail(number: int) -> RawAdapter:
        raise error

    with pytest.raises(BusError, match=cure):
        LinuxSmbus(1, fail)
