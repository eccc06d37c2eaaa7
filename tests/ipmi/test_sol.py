# SPDX-License-Identifier: Apache-2.0
"""Serial over LAN: the link's own rules, then the payload in a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ipmi.sol import BUFFER, MAXIMUM_DATA, PAUSE_ABOVE, SolLink

from .memory_board import MemoryConsole

if TYPE_CHECKING:
    from .bench import Bench
    from .console import Console

ACTIVATE = bytes([1, 1, 0xC0, 0, 0, 0])


@pytest.fixture
def console() -> MemoryConsole:
    return MemoryConsole()


@pytest.fixture
def link(console: MemoryConsole) -> SolLink:
    return SolLink(console, retries=2, retry_s=0.5)


def test_characters_go_in_and_are_acknowledged(link: SolLink, console: MemoryConsole) -> None:
    assert link.packet(b"\x01\0\0\0ls\r", 0.0) == bytes([0, 1, 3, 0])
    assert console.written == b"ls\r"


def test_a_repeated_packet_is_typed_once(link: SolLink, console: MemoryConsole) -> None:
    first = link.packet(b"\x01\0\0\x10x", 0.0)
    assert link.packet(b"\x01\0\0\x10x", 0.6) == first
    assert console.written == b"x"
    assert console.breaks == 1


def test_what_the_console_cannot_take_is_said(link: SolLink, console: MemoryConsole) -> None:
    console.takes = 2
    assert link.packet(b"\x01\0\0\0abcd", 0.0) == bytes([0, 1, 2, 0])
    console.takes = 0
    assert link.packet(b"\x02\0\0\0cd", 0.0) == bytes([0, 2, 0, 0x40])
    assert console.written == b"ab"


def test_one_packet_at_a_time_comes_out(link: SolLink) -> None:
    assert link.received(b"one", 0.0) == b"\x01\0\0\0one"
    assert link.received(b"two", 0.0) is None
    assert link.packet(b"\0\x01\x03\0", 0.1) == b"\x02\0\0\0two"
    assert link.packet(b"\0\x02\x03\0", 0.1) is None


def test_part_of_a_packet_is_acknowledged(link: SolLink) -> None:
    link.received(b"abcdef", 0.0)
    assert link.packet(b"\0\x01\x02\0", 0.1) == b"\x02\0\0\0cdef"


def test_output_rides_on_an_acknowledgement(link: SolLink) -> None:
    link.received(b"one", 0.0)
    link.received(b"two", 0.0)
    assert link.packet(b"\x05\x01\x03\0k", 0.1) == b"\x02\x05\x01\0two"


def test_lost_packets_are_sent_again_for_ever_but_more_rarely(link: SolLink) -> None:
    sent = link.received(b"out", 0.0)
    assert link.next_at() == 0.5
    assert link.due(0.4) is None
    assert link.due(0.5) == sent
    assert link.due(1.0) == sent
    assert link.next_at() == 2.0, "after two retries once a second"
    assert link.due(2.0) == sent


def test_nack_waits_for_the_next_try(link: SolLink) -> None:
    sent = link.received(b"out", 0.0)
    assert link.packet(b"\0\x01\0\x40", 0.1) is None
    assert link.due(0.5) == sent


def test_numbers_go_round_without_zero(link: SolLink) -> None:
    seen = []
    for number in range(17):
        packet = link.received(bytes([number]), 0.0)
        assert packet is not None
        seen.append(packet[0])
        link.packet(bytes([0, packet[0], 1, 0]), 0.0)
    assert seen == [*range(1, 16), 1, 2]


def test_a_client_that_does_not_read_stops_the_console(link: SolLink, console: MemoryConsole) -> None:
    link.received(b"x" * (PAUSE_ABOVE + MAXIMUM_DATA + 1), 0.0)
    assert console.paused
    link.received(b"y" * BUFFER, 0.0)
    assert link.lost_characters > 0
    for number in range(1000):
        link.packet(bytes([0, number % 15 + 1, MAXIMUM_DATA, 0]), 0.0)
    assert not console.paused


def test_pause_and_flush(link: SolLink) -> None:
    assert link.packet(b"\0\0\0\x08", 0.0) is None
    assert link.received(b"held", 0.0) is None
    assert link.packet(b"\0\0\0\0", 0.0) == b"\x01\0\0\0held"
    link.received(b"more", 0.0)
    assert link.packet(b"\0\x01\x04\x01", 0.0) is None, "flushed"


def test_a_lost_device_is_told(link: SolLink) -> None:
    link.available(False)
    assert link.packet(b"\x01\0\0\0x", 0.0) == bytes([0, 1, 1, 0x20])
    link.available(True)
    assert link.packet(b"\x02\0\0\0x", 0.0) == bytes([0, 2, 1, 0])


def test_short_packets_are_nothing(link: SolLink) -> None:
    assert link.packet(b"\x01\0\0", 0.0) is None


# ---------------------------------------------------------------------- in a session


def activated(bench: Bench) -> Console:
    console = bench.login()
    assert console.run(0x06, 0x48, ACTIVATE)[:1] == b"\0"
    return console


def sol(bench: Bench, console: Console, payload: bytes) -> bytes | None:
    answer = bench.give(console.seal(payload, kind=1))
    return None if answer is None else unseal(console, answer)


def unseal(console: Console, datagram: bytes) -> bytes:
    """The payload of a SOL datagram; the console's own `unseal` takes IPMI messages only."""
    assert datagram[5] == 0xC1
    size = int.from_bytes(datagram[14:16], "little")
    cipher = datagram[16 : 16 + size]
    plain = Cipher(algorithms.AES(console.k2), modes.CBC(cipher[:16])).decryptor().update(cipher[16:])
    return plain[: -1 - plain[-1]]


def test_typing_and_reading(bench: Bench) -> None:
    console = activated(bench)
    assert sol(bench, console, b"\x01\0\0\0hi") == bytes([0, 1, 2, 0])
    assert bench.parts.console.written == b"hi"
    bench.console_says(b"hello")
    assert unseal(console, bench.sol_sent[-1]) == b"\x01\0\0\0hello"
    assert console.run(0x06, 0x4A, b"\x01") == b"\0\x01\x01\0"
    assert console.run(0x06, 0x4B, b"\x01\x01")[1:5] == console.managed_id


def test_only_one_session_has_the_console(bench: Bench) -> None:
    first, second = activated(bench), bench.login()
    assert second.run(0x06, 0x48, ACTIVATE) == b"\x80"
    assert sol(bench, second, b"\x01\0\0\0rm") is None
    assert bench.parts.console.written == b""
    assert second.run(0x06, 0x49, ACTIVATE) == b"\0", "taken over"
    assert unseal(first, bench.sol_sent[-1])[3] & 0x10, "and the first one is told"
    assert second.run(0x06, 0x48, ACTIVATE)[0] == 0
    assert second.run(0x06, 0x49, ACTIVATE) == b"\0"
    assert second.run(0x06, 0x49, ACTIVATE) == b"\x80"
    assert bench.parts.console.reader is None


def test_the_console_is_free_again_when_its_session_ends(bench: Bench) -> None:
    console = activated(bench)
    console.run(0x06, 0x3C, console.managed_id)
    assert bench.parts.console.reader is None
    activated(bench)
    bench.now += 100
    bench.sessions.tick(bench.now)
    assert bench.parts.console.reader is None


def test_who_may(bench: Bench) -> None:
    guest = bench.login(name=b"guest", role=2)
    assert guest.run(0x06, 0x48, ACTIVATE) == b"\xd4"
    admin = bench.login()
    assert admin.run(0x06, 0x48, bytes([1, 1, 0x40, 0, 0, 0])) == b"\x84", "never without encryption"
    assert admin.run(0x06, 0x48, bytes([2, 1, 0xC0, 0, 0, 0])) == b"\xcc"
    assert admin.run(0x06, 0x4C, b"\x01\x42\x02\0\0\0") == b"\0"
    assert admin.run(0x06, 0x48, ACTIVATE) == b"\xd4"
    assert admin.run(0x06, 0x4C, b"\x01\x02\x02\0\0\0") == b"\0"
    assert admin.run(0x0C, 0x21, b"\x01\x01\x00") == b"\0"
    assert admin.run(0x06, 0x48, ACTIVATE) == b"\x81"


def test_configuration(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0C, 0x22, b"\x01\x02\0\0") == b"\0\x11\xc3"
    assert console.run(0x0C, 0x21, b"\x01\x02\x04") == b"\0"
    assert console.run(0x0C, 0x22, b"\x01\x02\0\0") == b"\0\x11\xc4", "encryption stays on"
    assert console.run(0x0C, 0x21, b"\x01\x04\x03\x20") == b"\0"
    assert console.run(0x0C, 0x22, b"\x01\x04\0\0") == b"\0\x11\x03\x20"
    assert console.run(0x0C, 0x22, b"\x81\x04\0\0") == b"\0\x11"
    assert console.run(0x0C, 0x21, b"\x01\x05\x06") == b"\x82"
    assert console.run(0x0C, 0x21, b"\x01\x04\x03") == b"\xc7"
    assert console.run(0x0C, 0x21, b"\x01\x02\x00") == b"\xcc"
    assert console.run(0x0C, 0x21, b"\x01\x63\x00") == b"\x80"
    assert console.run(0x0C, 0x22, b"\x01\x63\0\0") == b"\x80"
    assert console.run(0x0C, 0x22, b"\x05\x01\0\0") == b"\xcc"
    assert console.run(0x0C, 0x21, b"\x01\x00\x01") == b"\0"
    assert console.run(0x0C, 0x22, b"\x01\x00\0\0") == b"\0\x11\x01"


def test_support_and_versions(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x4E, b"\x0e") == bytes.fromhex("00 0300 3f00 00000000")
    assert console.run(0x06, 0x4F, b"\x0e\x01") == b"\0\x10"
    assert console.run(0x06, 0x4F, b"\x0e\x02") == b"\x80"
    assert console.run(0x06, 0x4A, b"\x02") == b"\xcc"
    assert console.run(0x06, 0x4B, b"\x01\x02") == b"\xcc"


def test_retries_run_by_themselves(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x0C, 0x21, b"\x01\x04\x07\x02") == b"\0"
    assert console.run(0x06, 0x48, ACTIVATE)[0] == 0
    bench.console_says(b"again")
    bench.now += 0.05
    bench.wait(0.05)
    assert [unseal(console, packet) for packet in bench.sol_sent] == [b"\x01\0\0\0again"] * 2
