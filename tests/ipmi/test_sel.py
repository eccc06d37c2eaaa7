# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .memory_board import MemoryEventLog

if TYPE_CHECKING:
    from .bench import Bench
    from .console import Console

RECORD = bytes.fromhex("0000 02 00000000 2000 04 09 11 0b 01 ff ff")


def add(console: Console, number: int = 0) -> bytes:
    return console.run(0x0A, 0x44, RECORD[:-1] + bytes([number]))


def get(console: Console, record: int, offset: int = 0, count: int = 0xFF, reservation: bytes = b"\0\0") -> bytes:
    return console.run(0x0A, 0x43, reservation + record.to_bytes(2, "little") + bytes([offset, count]))


def reserve(console: Console) -> bytes:
    return console.run(0x0A, 0x42)[1:]


def clear(console: Console, action: int = 0xAA) -> bytes:
    return console.run(0x0A, 0x47, reserve(console) + b"CLR" + bytes([action]))


def test_empty(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0A, 0x40) == bytes.fromhex("00 51 0000 0004 00000000 00000000 0a")
    assert get(console, 0) == b"\xcb"


def test_add_and_walk(bench: Bench) -> None:
    console = bench.login()
    assert [add(console, number) for number in range(3)] == [b"\0\x01\0", b"\0\x02\0", b"\0\x03\0"]
    record, found = 0, []
    while record != 0xFFFF:
        answer = get(console, record)
        record = int.from_bytes(answer[1:3], "little")
        found.append(answer[3:])
    assert [entry[-1] for entry in found] == [0, 1, 2]
    assert all(entry[7:15] == RECORD[7:15] for entry in found)
    assert get(console, 0xFFFF)[3:5] == b"\x03\x00"


def test_parts_need_the_reservation(bench: Bench) -> None:
    console = bench.login()
    add(console)
    whole = get(console, 1)[3:]
    assert get(console, 1, 10, 3) == b"\xc5"
    assert get(console, 1, 10, 3, reserve(console))[3:] == whole[10:13]
    assert get(console, 1, 17, 1, reserve(console)) == b"\xc9"


def test_a_full_log(bench: Bench) -> None:
    console = bench.login()
    for number in range(64):
        assert add(console, number)[0] == 0
    assert add(console, 200) == b"\xc4"
    assert console.run(0x0A, 0x40)[4:6] == b"\0\0"


def test_an_add_that_is_repeated_adds_once(bench: Bench) -> None:
    console = bench.login()
    assert add(console) == add(console) == b"\0\x01\0"
    assert console.run(0x0A, 0x40)[2] == 1


def test_delete(bench: Bench) -> None:
    console = bench.login()
    for number in range(3):
        add(console, number)
    assert console.run(0x0A, 0x46, b"\0\0\x02\0") == b"\xc5"
    reservation = reserve(console)
    assert console.run(0x0A, 0x46, reservation + b"\x02\0") == b"\0\x02\0"
    assert console.run(0x0A, 0x46, reservation + b"\x02\0") == b"\0\x02\0", "a retry gets the first answer"
    assert console.run(0x0A, 0x46, reservation + b"\x03\0") == b"\xc5", "a deletion ends the reservation"
    assert console.run(0x0A, 0x46, reserve(console) + b"\x02\0") == b"\xcb"
    assert get(console, 1)[1:3] == b"\x03\0"


def test_delete_that_the_log_refuses(bench: Bench) -> None:
    class Sealed(MemoryEventLog):
        async def delete(self, record_id: int) -> bool:
            return False

    console = bench.login()
    add(console)
    bench.parts.event_log.__class__ = Sealed
    assert console.run(0x0A, 0x46, reserve(console) + b"\x01\0") == b"\xcb"


def test_clear(bench: Bench) -> None:
    console = bench.login()
    add(console)
    assert clear(console, 0x00) == b"\0\x01"
    assert bench.parts.event_log.clears == 0
    assert clear(console) == b"\0\x01"
    assert (bench.parts.event_log.clears, console.run(0x0A, 0x40)[2]) == (1, 0)


def test_a_clear_from_elsewhere_ends_the_reservation(bench: Bench) -> None:
    console = bench.login()
    add(console)
    request = reserve(console) + b"\x01\0"
    asyncio.run(bench.parts.event_log.clear())
    add(console, 1)
    assert console.run(0x0A, 0x46, request) == b"\xc5"


def test_clear_needs_the_magic_and_the_reservation(bench: Bench) -> None:
    console = bench.login()
    add(console)
    assert console.run(0x0A, 0x47, b"\0\0CLR\xaa") == b"\xc5"
    assert console.run(0x0A, 0x47, reserve(console) + b"CLX\xaa") == b"\xcc"
    assert console.run(0x0A, 0x47, reserve(console) + b"CLR\x01") == b"\xcc"
    assert bench.parts.event_log.clears == 0


def test_a_clear_that_is_repeated_clears_once(bench: Bench) -> None:
    """What was added in between must survive the retry."""
    console = bench.login()
    add(console, 1)
    request = reserve(console) + b"CLR\xaa"
    assert console.run(0x0A, 0x47, request) == b"\0\x01"
    add(console, 2)
    assert console.run(0x0A, 0x47, request) == b"\0\x01"
    assert (bench.parts.event_log.clears, console.run(0x0A, 0x40)[2]) == (1, 1)


def test_time(bench: Bench) -> None:
    console = bench.login()
    assert abs(int.from_bytes(console.run(0x0A, 0x48)[1:], "little") - time.time()) < 3
    assert console.run(0x0A, 0x49, (1_800_000_000).to_bytes(4, "little")) == b"\0"
    assert int.from_bytes(console.run(0x0A, 0x48)[1:], "little") - 1_800_000_000 < 3
    assert int.from_bytes(console.run(0x0A, 0x28)[1:], "little") - 1_800_000_000 < 3
    bench.parts.clock.settable = False
    assert console.run(0x0A, 0x49, bytes(4)) == b"\xd5"


def test_utc_offset(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0A, 0x5C) == b"\0\0\0"
    assert console.run(0x0A, 0x5D, b"\0\0") == b"\0"
    assert console.run(0x0A, 0x5D, b"\xff\x07") == b"\0"
    assert console.run(0x0A, 0x5C) == b"\0\xff\x07"
    assert console.run(0x0A, 0x5D, b"\xc4\xff") == b"\0"
    assert console.run(0x0A, 0x5C) == b"\0\xc4\xff", "an hour west"
    assert console.run(0x0A, 0x5D, b"\xa1\x05") == b"\xcc"
