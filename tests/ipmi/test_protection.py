# SPDX-License-Identifier: Apache-2.0
"""Both implementations of packet protection, against vectors made with hashlib and `openssl` and against each other."""

from __future__ import annotations

import hashlib
import hmac
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipmi.crypto import SUITES
from ipmi.protection import COMPILED, Forged, protect
from ipmi.protection.compiled import CompiledProtection
from ipmi.protection.interface import MAXIMUM_PAYLOAD
from ipmi.protection.interpreted import InterpretedProtection
from ipmi.wire import MAXIMUM_DATAGRAM, MalformedPacket

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.crypto import Suite
    from ipmi.protection import Protection

    Maker = Callable[[Suite, bytes], Protection]

SIK = {
    3: bytes.fromhex("ec9a9b1734fc05bc74c93b9b3c0b94f87f6cf2f3"),
    17: bytes.fromhex("b0414ce546b0115c739487168a0381f0cb3940c5568c77c1240c1b5c83258678"),
}
SESSION = 0x11223344
BOTH = pytest.mark.parametrize("maker", [CompiledProtection, InterpretedProtection])
EACH_SUITE = pytest.mark.parametrize("number", [3, 17])


def signed(number: int, body: bytes, payload_type: int = 0xC0) -> bytes:
    """A datagram with any sealed body, framed and signed with hashlib alone."""
    suite = SUITES[number]
    header = bytes([6, payload_type]) + SESSION.to_bytes(4, "little") + bytes([9, 0, 0, 0])
    packet = header + len(body).to_bytes(2, "little") + body
    padding = -(len(packet) + 2) % 4
    packet += b"\xff" * padding + bytes([padding, 7])
    k1 = hmac.new(SIK[number], b"\x01" * 20, suite.digest).digest()
    code = hmac.new(k1, packet, getattr(hashlib, suite.digest)).digest()[: suite.tag_length]
    return bytes.fromhex("0600ff07") + packet + code


def test_this_machine_protects_in_c() -> None:
    """Wherever the tests run there is OpenSSL 3; else half of them would say nothing."""
    assert COMPILED
    assert isinstance(protect(SUITES[17], SIK[17]), CompiledProtection)


@BOTH
def test_opens_what_openssl_encrypted(maker: Maker) -> None:
    """`openssl enc -aes-128-cbc -nopad` with K2 of suite 17 and IV 00 01 .. 0f over 18 c8 81 padded to 16 bytes."""
    body = bytes.fromhex("000102030405060708090a0b0c0d0e0f7443b11b1c90e5022c8518245706f911")
    assert maker(SUITES[17], SIK[17]).open(signed(17, body)) == (0, 9, bytes.fromhex("18c881"))


@BOTH
@EACH_SUITE
def test_layout_of_a_sealed_packet(maker: Maker, number: int) -> None:
    datagram = maker(SUITES[number], SIK[number]).seal(1, SESSION, 0x0A0B0C0D, b"x" * 15)
    assert datagram[:16].hex() == "0600ff07" + "06c1" + "44332211" + "0d0c0b0a" + "2000"
    assert datagram[48:52].hex() == "ffff0207"
    assert len(datagram) == 52 + SUITES[number].tag_length


@EACH_SUITE
@given(st.binary(max_size=MAXIMUM_PAYLOAD), st.integers(0, 0x3F), st.integers(0, 0xFFFFFFFF))
def test_each_opens_what_the_other_sealed(number: int, payload: bytes, kind: int, sequence: int) -> None:
    one, other = CompiledProtection(SUITES[number], SIK[number]), InterpretedProtection(SUITES[number], SIK[number])
    assert one.open(other.seal(kind, SESSION, sequence, payload)) == (kind, sequence, payload)
    assert other.open(one.seal(kind, SESSION, sequence, payload)) == (kind, sequence, payload)


@EACH_SUITE
@given(st.binary(max_size=80))
def test_both_judge_any_sealed_body_alike(number: int, body: bytes) -> None:
    datagram = signed(number, body)
    opened = CompiledProtection(SUITES[number], SIK[number]).open(datagram)
    assert opened == InterpretedProtection(SUITES[number], SIK[number]).open(datagram)
    assert opened[:2] == (0, 9)


@BOTH
@EACH_SUITE
@given(data=st.data())
def test_any_changed_byte_is_noticed(maker: Maker, number: int, data: st.DataObject) -> None:
    keys = maker(SUITES[number], SIK[number])
    datagram = bytearray(keys.seal(0, SESSION, 5, b"a request"))
    position = data.draw(st.integers(4, len(datagram) - 1))
    datagram[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Forged, MalformedPacket)):
        keys.open(bytes(datagram))


@BOTH
@EACH_SUITE
def test_any_missing_or_added_byte_is_noticed(maker: Maker, number: int) -> None:
    keys = maker(SUITES[number], SIK[number])
    datagram = keys.seal(0, SESSION, 5, b"a request")
    for length in range(4, len(datagram)):
        with pytest.raises((Forged, MalformedPacket)):
            keys.open(datagram[:length])
    for added in range(1, 40):
        with pytest.raises((Forged, MalformedPacket)):
            keys.open(datagram + bytes(added))
    with pytest.raises(MalformedPacket):
        keys.open(datagram + bytes(2000))


@BOTH
def test_protection_flags_are_required(maker: Maker) -> None:
    """Signed but not encrypted, and the other way round."""
    keys = maker(SUITES[3], SIK[3])
    for flags in (0x40, 0x80, 0x00):
        with pytest.raises(MalformedPacket):
            keys.open(signed(3, bytes(32), flags))


@BOTH
@pytest.mark.parametrize("length", [0, 1, 16, 31, 33])
def test_impossible_lengths_are_authentic_but_unreadable(maker: Maker, length: int) -> None:
    assert maker(SUITES[17], SIK[17]).open(signed(17, bytes(length))) == (0, 9, None)


@BOTH
def test_wrong_padding(maker: Maker) -> None:
    """Pad lengths over 15, and pad bytes other than 1, 2, 3 ..."""
    keys = maker(SUITES[17], SIK[17])
    body = keys.seal(0, SESSION, 9, b"x" * 12)[16:48]
    for position, change in ((15, 0x10), (15, 0x80), (13, 0x01), (12, 0xFF)):
        changed = bytearray(body)
        changed[position] ^= change
        assert keys.open(signed(17, bytes(changed))) == (0, 9, None)
    assert keys.open(signed(17, body)) == (0, 9, b"x" * 12)


@BOTH
def test_each_packet_has_its_own_iv(maker: Maker) -> None:
    keys = maker(SUITES[17], SIK[17])
    assert len({keys.seal(0, SESSION, 1, b"same")[16:32] for _ in range(100)}) == 100


def test_two_sessions_share_no_iv() -> None:
    """Each has a stock of its own."""
    one, other = protect(SUITES[17], SIK[17]), protect(SUITES[17], SIK[17])
    ivs = [keys.seal(0, SESSION, 1, b"")[16:32] for keys in (one, other) for _ in range(40)]
    assert len(set(ivs)) == 80


@BOTH
def test_a_payload_that_fits_no_datagram(maker: Maker) -> None:
    keys = maker(SUITES[3], SIK[3])
    assert len(keys.seal(0, SESSION, 1, bytes(MAXIMUM_PAYLOAD))) <= MAXIMUM_DATAGRAM
    with pytest.raises(ValueError, match="payload"):
        keys.seal(0, SESSION, 1, bytes(MAXIMUM_PAYLOAD + 1))


@BOTH
def test_sessions_on_several_threads_never_see_each_others_packets(maker: Maker) -> None:
    """A server in a thread of its own beside another one: what is read as one's command must be one's own."""
    suite, rounds = SUITES[17], 3000
    wrong: list[tuple[int, int, object]] = []

    def talk(number: int) -> None:
        protection = maker(suite, bytes([number]) * 20)
        payload = bytes([number]) * 24
        for sequence in range(1, rounds):
            found: object
            try:
                found = protection.open(protection.seal(0, number, sequence, payload))
            except (Forged, MalformedPacket) as error:
                found = error
            if found != (0, sequence, payload):
                wrong.append((number, sequence, found))

    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before_s)
    assert wrong == []
