# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .bench import Bench
from .memory_board import MemoryBoard

if TYPE_CHECKING:
    from .console import Console


def dcmi(console: Console, command: int, data: bytes) -> bytes:
    """Completion code and the data after the group's byte."""
    answer = console.run(0x2C, command, b"\xdc" + data)
    assert answer[1:2] == b"\xdc"
    return answer[:1] + answer[2:]


def test_capabilities(bench: Bench) -> None:
    console = bench.login()
    assert dcmi(console, 0x01, b"\x01") == bytes.fromhex("00 010502 000100")
    assert dcmi(console, 0x01, b"\x02") == bytes.fromhex("00 010502 0084 0000 01")
    assert dcmi(console, 0x01, b"\x03") == bytes.fromhex("00 010502 2000")
    assert dcmi(console, 0x01, b"\x04") == bytes.fromhex("00 010502 01ffff")
    assert dcmi(console, 0x01, b"\x05") == bytes.fromhex("00 010502 03 41 4a 81")
    assert dcmi(console, 0x01, b"\x06") == b"\xcc"


def test_power_reading(bench: Bench) -> None:
    console = bench.login()
    now = bench.parts.clock.now()
    answer = dcmi(console, 0x02, b"\x01\0\0")
    assert answer[:9] == bytes.fromhex("00 3801 6400 9001 fb00")
    assert int.from_bytes(answer[9:13], "little") in range(now, now + 3)
    assert answer[13:] == bytes.fromhex("60ea0000 40")
    assert dcmi(console, 0x02, b"\x02\x4a\0")[0] == 0
    assert bench.parts.meter.asked == [None, 600]
    assert dcmi(console, 0x02, b"\x02\x03\0") == b"\xcc", "a period that is not offered"
    assert dcmi(console, 0x02, b"\x03\0\0") == b"\xcc"


def test_power_that_nobody_measures(bench: Bench) -> None:
    bench.parts.meter.measured = None
    answer = dcmi(bench.login(), 0x02, b"\x01\0\0")
    assert answer[:9] == bytes(9)
    assert answer[-1] == 0, "not active: the zeros are no reading"


LIMIT = bytes(3) + b"\x11" + (450).to_bytes(2, "little") + (5000).to_bytes(4, "little") + bytes(2) + b"\x02\0"


def test_limit_is_set_put_in_force_and_lifted(bench: Bench) -> None:
    console, fields = bench.login(), bytes(2) + LIMIT[3:]
    unset = bytes(2) + b"\x11" + bytes(2) + (3000).to_bytes(4, "little") + bytes(2) + b"\x01\0"
    assert dcmi(console, 0x03, b"\0\0") == b"\x80" + unset, "the fields are there, or ipmitool shows garbage"
    assert dcmi(console, 0x05, b"\x01\0\0") == b"\xd5", "nothing was set"
    assert dcmi(console, 0x05, b"\x00\0\0") == b"\0"
    assert dcmi(console, 0x04, LIMIT) == b"\0"
    assert dcmi(console, 0x03, b"\0\0") == b"\x80" + fields
    assert dcmi(console, 0x05, b"\x01\0\0") == b"\0"
    assert dcmi(console, 0x03, b"\0\0") == b"\0" + fields
    assert dcmi(console, 0x05, b"\x00\0\0") == b"\0"
    assert dcmi(console, 0x03, b"\0\0") == b"\x80" + fields
    assert bench.parts.limit is not None
    bench.parts.limit.works = False
    assert dcmi(console, 0x04, LIMIT) == b"\xff"
    assert dcmi(console, 0x05, b"\x01\0\0") == b"\xff"


@pytest.mark.parametrize(
    ("start", "value", "code"),
    [
        (3, b"\x01", 0xCC),  # power off
        (3, b"\x02", 0xCC),
        (4, b"\0\0", 0x84),
        (6, (2999).to_bytes(4, "little"), 0x85),
        (12, b"\0\0", 0x89),
    ],
)
def test_limits_that_cannot_be(bench: Bench, start: int, value: bytes, code: int) -> None:
    request = LIMIT[:start] + value + LIMIT[start + len(value) :]
    assert dcmi(bench.login(), 0x04, request) == bytes([code])
    assert bench.parts.limit is not None
    assert bench.parts.limit.kept is None


def test_a_board_without_supplies_has_no_limit() -> None:
    parts = MemoryBoard()
    parts.limit = None
    console = Bench(parts=parts).login()
    assert dcmi(console, 0x03, b"\0\0") == b"\x80" + bytes(13)
    assert dcmi(console, 0x04, LIMIT) == b"\xd5"
    assert dcmi(console, 0x05, b"\x01\0\0") == b"\xd5"
    assert dcmi(console, 0x05, b"\x00\0\0") == b"\0"


def test_asset_tag(bench: Bench) -> None:
    console = bench.login()
    assert dcmi(console, 0x06, b"\0\x10") == b"\0\0"
    assert dcmi(console, 0x08, b"\0\x10" + b"rack 17, unit 4,") == b"\0\x10"
    assert dcmi(console, 0x08, b"\x10\x04left") == b"\0\x14"
    assert dcmi(console, 0x06, b"\0\x10") == b"\0\x14rack 17, unit 4,"
    assert dcmi(console, 0x06, b"\x10\x10") == b"\0\x14left"
    assert dcmi(console, 0x06, b"\x15\x10") == b"\xc9"
    assert dcmi(console, 0x06, b"\0\x11") == b"\xc9"
    assert dcmi(console, 0x08, b"\x3f\x01x") == b"\xc9"
    assert dcmi(console, 0x08, b"\0\x02x") == b"\xc7"


def test_controller_id(bench: Bench) -> None:
    console = bench.login()
    assert dcmi(console, 0x09, b"\0\x10") == b"\0\x0dmemory-board\0"
    assert dcmi(console, 0x0A, b"\0\x06node7\0") == b"\0\x06"
    assert dcmi(console, 0x09, b"\0\x10") == b"\0\x06node7\0"
    assert dcmi(console, 0x0A, b"\x40\x01x") == b"\xc9"
    assert dcmi(console, 0x0A, b"\0\x03x") == b"\xc7"


@pytest.mark.parametrize("entity", [0x40, 0x37])
def test_temperatures(bench: Bench, entity: int) -> None:
    console = bench.login()
    assert dcmi(console, 0x07, bytes([1, entity, 0, 0])) == bytes.fromhex("00 01 01 0200")
    assert dcmi(console, 0x10, bytes([1, entity, 0, 0])) == bytes.fromhex("00 01 01 1801")
    assert dcmi(console, 0x10, bytes([1, entity, 1, 0])) == bytes.fromhex("00 01 01 1801")
    assert dcmi(console, 0x10, bytes([1, entity, 2, 0])) == bytes.fromhex("00 01 00")
    bench.parts.sensors.values[1] = -7.0
    assert dcmi(console, 0x10, bytes([1, entity, 0, 0])) == bytes.fromhex("00 01 01 8701")
    bench.parts.sensors.values[1] = None
    assert dcmi(console, 0x10, bytes([1, entity, 0, 0])) == bytes.fromhex("00 01 00"), "never a made-up value"
    assert dcmi(console, 0x10, bytes([1, 0x63, 0, 0])) == b"\xcc"
    assert dcmi(console, 0x10, bytes([2, entity, 0, 0])) == b"\xcc"


def test_configuration(bench: Bench) -> None:
    console = bench.login()
    assert dcmi(console, 0x13, b"\x02\0") == bytes.fromhex("00 010502 00")
    assert dcmi(console, 0x13, b"\x09\0") == b"\xcc"
    assert dcmi(console, 0x12, b"\x01\0\x01") == b"\xd5"
    assert dcmi(console, 0x12, b"\x09\0\x01") == b"\xcc"


def test_other_groups_are_unknown(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x2C, 0x01, b"\x00\x01") == b"\xc1"
    assert console.run(0x2C, 0x01) == b"\xc1"
