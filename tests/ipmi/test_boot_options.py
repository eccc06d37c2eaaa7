# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.boot_options import BootOptions

from .memory_board import MemoryParameters

if TYPE_CHECKING:
    from .bench import Bench
    from .console import Console

PXE_ONCE = bytes.fromhex("05 80 04 00 00 00")


def flags(console: Console) -> bytes:
    answer = console.run(0x00, 0x09, b"\x05\0\0")
    assert answer[:3] == b"\0\x01\x05"
    return answer[3:]


def set_(console: Console, data: str) -> int:
    return console.run(0x00, 0x08, bytes.fromhex(data))[0]


def test_nothing_set(bench: Bench) -> None:
    assert flags(bench.login()) == bytes(5)


def test_sequence_of_ipmitool_bootdev(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x00, 0x09, b"\0\0\0") == b"\0\x01\x00\x00"
    for data in ("00 01", "04 01 01", "05 80 04 00 00 00", "00 02", "00 00"):
        assert set_(console, data) == 0
    assert flags(console) == bytes.fromhex("80 04 00 00 00")
    assert console.run(0x00, 0x09, b"\x04\0\0") == b"\0\x01\x04\x00\x01"


def test_sequence_of_ironic_uefi_boot(bench: Bench) -> None:
    """The wait before the power command may take longer than 60 s: 03 08 keeps the flags."""
    console = bench.login()
    assert set_(console, "03 08") == 0
    assert set_(console, "05 A0 04 00 00 00") == 0
    bench.now += 300
    console = bench.login()
    assert flags(console) == bytes.fromhex("A0 04 00 00 00")
    assert console.run(0x00, 0x02, b"\x01") == b"\0"
    bench.now += 59
    assert flags(bench.login())[0] & 0x80
    bench.now += 2
    assert flags(bench.login()) == bytes.fromhex("20 04 00 00 00"), "used by the start of the host"


def test_persistent_flags_stay(bench: Bench) -> None:
    console = bench.login()
    assert set_(console, "03 08") == 0
    assert set_(console, "05 E0 08 00 00 00") == 0
    console.run(0x00, 0x02, b"\x01")
    bench.now += 100_000
    assert flags(bench.login()) == bytes.fromhex("E0 08 00 00 00")


def test_flags_for_one_boot_expire_after_sixty_seconds(bench: Bench) -> None:
    console = bench.login()
    set_(console, PXE_ONCE.hex())
    bench.now += 59.9
    assert flags(console)[0] == 0x80
    bench.now += 0.1
    assert flags(console) == bytes.fromhex("00 04 00 00 00")


def test_a_power_command_begins_the_countdown_anew(bench: Bench) -> None:
    console = bench.login()
    set_(console, PXE_ONCE.hex())
    bench.now += 50
    assert console.run(0x00, 0x02, b"\x01") == b"\0"
    bench.now += 50
    assert flags(console)[0] == 0x80
    bench.now += 10
    assert flags(bench.login())[0] == 0x00


def test_what_has_expired_stays_expired(bench: Bench) -> None:
    set_(bench.login(), PXE_ONCE.hex())
    bench.now += 61
    console = bench.login()
    console.run(0x00, 0x02, b"\x01")
    set_(console, "03 08")
    assert flags(console)[0] == 0x00
    set_(console, PXE_ONCE.hex())
    assert flags(console)[0] == 0x80


def test_a_refused_power_command_uses_nothing(bench: Bench) -> None:
    console = bench.login()
    set_(console, "03 08")
    set_(console, PXE_ONCE.hex())
    assert console.run(0x00, 0x02, b"\x03") == b"\xd5"
    bench.now += 61
    assert flags(bench.login())[0] == 0x80


def test_marked_invalid(bench: Bench) -> None:
    console = bench.login()
    set_(console, PXE_ONCE.hex())
    assert set_(console, "85") == 0
    assert console.run(0x00, 0x09, b"\x05\0\0") == bytes.fromhex("00 01 85 80 04 00 00 00")
    assert set_(console, "05") == 0
    assert flags(console)[0] == 0x80


def test_a_host_that_was_told_at_the_last_run_of_the_agent() -> None:
    """Flags for one boot that are found in the store begin their 60 s anew; persistent ones just stay."""
    now = 0.0
    store = MemoryParameters()
    store.parameters[5] = bytes.fromhex("80 04 00 00 00")
    options = BootOptions(store, lambda: now)
    assert options.get(5) == bytes.fromhex("01 05 80 04 00 00 00")
    now = 60.0
    assert options.get(5) == bytes.fromhex("01 05 00 04 00 00 00")


def test_acknowledge_changes_only_masked_bits(bench: Bench) -> None:
    console = bench.login()
    set_(console, "04 FF 1F")
    set_(console, "04 02 00")
    assert console.run(0x00, 0x09, b"\x04\0\0") == b"\0\x01\x04\x00\x1d"


def test_bad_requests_change_nothing(bench: Bench) -> None:
    console = bench.login()
    set_(console, PXE_ONCE.hex())
    stored = dict(bench.parts.boot_options.parameters)
    for data, code in (
        ("05 80", 0xC7),
        ("05 80 04 00 00 00 00", 0xC7),
        ("03 08 00", 0xC7),
        ("00 03", 0xCC),
        ("07 00", 0x80),
        ("60 00", 0x80),
        ("", 0xC7),
    ):
        assert set_(console, data) == code, data
    assert console.run(0x00, 0x09, b"\x07\0\0") == b"\x80"
    assert console.run(0x00, 0x09, b"\x05") == b"\xc7"
    assert bench.parts.boot_options.parameters == stored
