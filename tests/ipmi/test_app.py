# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ipmi.board import Privilege, User
from ipmi.config import ServerConfig

from .bench import Bench
from .memory_board import GUID


def test_device_id_has_fifteen_bytes(bench: Bench) -> None:
    """FreeIPMI takes 11 or 15 and nothing else."""
    answer = bench.login().run(0x06, 0x01)
    assert answer == bytes.fromhex("00 20 01 00 01 02 8f b0b000 1147 00000000")


@pytest.mark.parametrize(("netfn", "command"), [(0x06, 0x08), (0x06, 0x37)])
def test_guids(bench: Bench, netfn: int, command: int) -> None:
    assert bench.login().run(netfn, command) == b"\0" + GUID


def test_self_test_has_two_bytes(bench: Bench) -> None:
    assert bench.login().run(0x06, 0x04) == b"\0\x55\x00"


@pytest.mark.parametrize("command", [0x02, 0x03])
def test_a_reset_ends_every_session_and_touches_nothing_else(bench: Bench, command: int) -> None:
    console, other = bench.login(), bench.login()
    bench.parts.chassis.power_on = True
    assert console.run(0x06, command) == b"\0"
    assert console.send(0x06, 0x01) is None
    assert other.send(0x06, 0x01) is None
    assert bench.parts.chassis.actions == []
    assert bench.login().run(0x06, 0x01)[0] == 0


def test_acpi_state_follows_the_host(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x07) == b"\0\x05\x2a"
    bench.parts.chassis.power_on = True
    assert console.run(0x06, 0x07) == b"\0\x00\x2a"
    assert console.run(0x06, 0x06, b"\x83\x82") == b"\0"
    assert console.run(0x06, 0x07) == b"\0\x03\x02"
    assert console.run(0x06, 0x06, b"\xff\x00") == b"\0", "neither state is to be changed"
    assert console.run(0x06, 0x07) == b"\0\x03\x02"
    assert console.run(0x06, 0x06, b"\x90\x00") == b"\xcc"
    assert console.run(0x06, 0x06, b"\x00\x90") == b"\xcc"
    bench.parts.chassis.power_on = False
    assert console.run(0x06, 0x07) == b"\0\x05\x2a", "what was told is void once the host has lost power"


def test_enables_and_flags(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x2F) == b"\0\x08"
    assert console.run(0x06, 0x2E, b"\x08") == b"\xd4"
    assert console.run(0x06, 0x31) == b"\0\0"


def test_channel(bench: Bench) -> None:
    console = bench.login()
    bench.login()
    assert console.run(0x06, 0x42, b"\x0e") == bytes.fromhex("00 01 04 01 82 f21b00 0000")
    assert console.run(0x06, 0x42, b"\x01") == console.run(0x06, 0x42, b"\x0e")
    assert console.run(0x06, 0x42, b"\x00") == b"\xcc"
    assert console.run(0x06, 0x41, b"\x0e\x80") == b"\0\x22\x04"
    assert console.run(0x06, 0x41, b"\x0e\x40") == b"\0\x22\x04"
    assert console.run(0x06, 0x41, b"\x0e\xc0") == b"\xcc"
    assert console.run(0x06, 0x41, b"\x03\x80") == b"\xcc"


def test_users(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x44, b"\x01\x02") == bytes([0, 15, 0x40 | 3, 0, 0x14])
    assert console.run(0x06, 0x44, b"\x0e\x05") == bytes([0, 15, 0x80 | 3, 0, 0x14])
    assert console.run(0x06, 0x44, b"\x01\x09") == bytes([0, 15, 0x80 | 3, 0, 0x0F])
    assert console.run(0x06, 0x46, b"\x02") == b"\0" + b"admin".ljust(16, b"\0")
    assert console.run(0x06, 0x46, b"\x09") == bytes(17)
    for user_id in (0, 16, 63):
        assert console.run(0x06, 0x44, bytes([1, user_id])) == b"\xcc"
        assert console.run(0x06, 0x46, bytes([user_id])) == b"\xcc"


def test_system_info(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x59, b"\0\x02\0\0") == b"\0\x11\0\0\x0cmemory-board\0\0"
    assert console.run(0x06, 0x59, b"\0\x02\x01\0") == b"\xc9"
    assert console.run(0x06, 0x59, b"\x80\x02\0\0") == b"\0\x11"
    assert console.run(0x06, 0x59, b"\0\0\0\0") == b"\0\x11\0"
    for parameter in (1, 3, 4, 5, 8, 200):
        assert console.run(0x06, 0x59, bytes([0, parameter, 0, 0])) == b"\x80"


def test_cipher_suites_by_page() -> None:
    bench = Bench()
    console = bench.login()
    assert console.run(0x06, 0x54, b"\x0e\0\x80") == bytes.fromhex("00 01 c011034481 c003014181")
    assert console.run(0x06, 0x54, b"\x0e\0\x81") == b"\0\x01"
    assert console.run(0x06, 0x54, b"\x0e\0\x00") == bytes.fromhex("00 01 0301 4441 81")
    assert console.run(0x06, 0x54, b"\x07\0\x80") == b"\xcc"
    bench.close()


def test_only_enabled_suites_are_listed() -> None:
    bench = Bench(ServerConfig(suites=(17,)))
    assert bench.login().run(0x06, 0x54, b"\x0e\0\x80") == bytes.fromhex("00 01 c011034481")
    bench.close()


@pytest.mark.parametrize("request_", [b"\x05\x04", b"\x8e\x00", b"\x8e\x05"])
def test_capabilities_of_nothing(bench: Bench, request_: bytes) -> None:
    assert bench.login().run(0x06, 0x38, request_) == b"\xcc"


def test_session_info(bench: Bench) -> None:
    console, other = bench.login(), bench.login(name=b"oper", role=3)
    mine = bytes.fromhex("00 01 3f 02 02 04 11 c0000201 000000000000 50c3")
    theirs = bytes.fromhex("00 02 3f 02 03 03 11 c0000201 000000000000 50c3")
    assert console.run(0x06, 0x3D, b"\0") == mine
    assert console.run(0x06, 0x3D, b"\x01") == mine
    assert console.run(0x06, 0x3D, b"\x02") == theirs
    assert console.run(0x06, 0x3D, b"\x03") == b"\0\0\x3f\x02"
    assert console.run(0x06, 0x3D, b"\xfe\x02") == theirs
    assert console.run(0x06, 0x3D, b"\xff" + other.managed_id) == theirs
    assert console.run(0x06, 0x3D, b"\xfe\x09") == b"\0\0\x3f\x02"
    assert console.run(0x06, 0x3D, b"\x40") == b"\xcc"
    assert console.run(0x06, 0x3D, b"\x01\x00") == b"\xc7"


def test_closing(bench: Bench) -> None:
    console, operator = bench.login(), bench.login(name=b"oper", role=3)
    assert operator.run(0x06, 0x3C, console.managed_id) == b"\xd4"
    assert operator.run(0x06, 0x3C, b"\0\0\0\0") == b"\x88"
    assert console.run(0x06, 0x3C, b"\x01\x02\x03\x04") == b"\x87"
    assert console.run(0x06, 0x3C, b"\0\0\0\0\x02") == b"\0", "an administrator may close others, by handle too"
    assert operator.send(0x06, 0x01) is None


def test_address_of_an_ipv6_client_is_left_out(bench: Bench) -> None:
    console = bench.console()
    console.ask = bench.from_address(("fe80::1%eth0", 4242, 0, 2))
    console.login()
    assert console.run(0x06, 0x3D, b"\0")[7:11] == bytes(4)
    console.ask = bench.from_address(("::ffff:192.0.2.9", 4242, 0, 0))
    assert console.run(0x06, 0x3D, b"\0")[7:11] == bytes([192, 0, 2, 9])
    console.run(0x06, 0x3B, b"\x04")
    console.run(0x00, 0x02, b"\x01")
    assert bench.parts.chassis.actions[0][1] == "ipmi:admin@192.0.2.9"


def test_names_are_escaped_in_the_audit_trail(bench: Bench) -> None:
    bench.parts.users.users.append(User(7, b"a b\n@\xff", b"secret", Privilege.ADMINISTRATOR))
    bench.login(name=b"a b\n@\xff", password=b"secret").run(0x00, 0x02, b"\x01")
    assert bench.parts.chassis.actions[0][1] == r"ipmi:a\x20b\x0a@\xff@192.0.2.1"


def test_system_info_is_written_block_by_block(bench: Bench) -> None:
    console = bench.login()
    text = b"a name that needs more than two blocks"
    blocks = bytes((0, len(text))) + text
    for number in range(3):
        part = blocks[number * 16 : number * 16 + 16].ljust(16, b"\0")
        assert console.run(0x06, 0x58, bytes((3, number)) + part) == b"\0"
    read = b"".join(console.run(0x06, 0x59, bytes((0, 3, number, 0)))[3:] for number in range(3))
    assert read[: len(blocks)] == blocks
    assert console.run(0x06, 0x59, b"\0\x03\x03\0") == b"\xc9"
    assert console.run(0x06, 0x58, b"\x04\x01" + bytes(16)) == b"\xd5", "the first block says the length"
    assert console.run(0x06, 0x58, b"\x04\x11" + bytes(16)) == b"\xc9"
    assert console.run(0x06, 0x58, b"\x63\x00" + bytes(16)) == b"\x80"
    assert console.run(0x06, 0x58, b"\x03\x00") == b"\xc7"
    assert console.run(0x06, 0x58, b"\x00\x01") == b"\0"
    assert console.run(0x06, 0x59, b"\0\0\0\0") == b"\0\x11\x01"
    assert console.run(0x06, 0x58, b"\x00\x05") == b"\xcc"


def test_channel_access_can_only_be_set_to_what_it_is(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x40, b"\x01\x62\x44") == b"\0"
    assert console.run(0x06, 0x40, b"\x01\x00\x00") == b"\0"
    assert console.run(0x06, 0x40, b"\x01\x60\x44") == b"\x83"
    assert console.run(0x06, 0x40, b"\x01\x62\x42") == b"\xcc"
    assert console.run(0x06, 0x40, b"\x03\x62\x44") == b"\xcc"
    assert console.run(0x06, 0x40, b"\x01\xe2\x44") == b"\xcc"
