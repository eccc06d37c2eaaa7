# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipmi import wire

CAPABILITIES_REQUEST = bytes.fromhex("0600ff07 00 00000000 00000000 09 2018c88100388e04b5")


def test_presence_ping_and_pong() -> None:
    ping = bytes.fromhex("0600ff06 000011be 80 2a 00 00")
    assert wire.decode(ping) == wire.Ping(0x2A)
    assert wire.encode_pong(0x2A) == bytes.fromhex("0600ff06 000011be 40 2a 00 10 000011be 00000000 81 00 000000000000")


def test_classic_packet_of_ipmitool() -> None:
    packet = wire.decode(CAPABILITIES_REQUEST)
    assert packet == wire.ClassicPacket(0, 0, CAPABILITIES_REQUEST[14:])


def test_classic_packet_with_an_auth_code() -> None:
    datagram = bytes.fromhex("0600ff07 02 01000000 44332211") + bytes(range(16)) + b"\x02\xaa\xbb"
    assert wire.decode(datagram) == wire.ClassicPacket(2, 0x11223344, b"\xaa\xbb")


def test_plus_packet() -> None:
    datagram = bytes.fromhex("0600ff07 06 c0 44332211 07000000 0200 aabb ffff 02 07") + bytes(12)
    packet = wire.decode(datagram)
    assert packet == wire.PlusPacket(0, True, True, 0x11223344, 7, b"\xaa\xbb", 18)


@given(st.integers(0, 0x3F), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=400))
def test_plus_round_trip(kind: int, session: int, sequence: int, payload: bytes) -> None:
    packet = wire.decode(wire.encode_plus(kind, session, sequence, payload))
    assert packet == wire.PlusPacket(kind, False, False, session, sequence, payload, 16 + len(payload))


@given(st.binary(max_size=255))
def test_classic_round_trip(payload: bytes) -> None:
    assert wire.decode(wire.encode_classic(payload)) == wire.ClassicPacket(0, 0, payload)


@given(st.binary(max_size=400), st.sampled_from([12, 16]))
def test_signed_part_is_aligned_and_its_trailer_is_sound(payload: bytes, length: int) -> None:
    signed = wire.encode_signed_part(0, 0x11223344, 9, payload)
    assert len(signed) % 4 == 0
    datagram = wire.RMCP_IPMI + signed + bytes(length)
    packet = wire.decode(datagram)
    assert isinstance(packet, wire.PlusPacket)
    assert (packet.payload, packet.encrypted, packet.authenticated) == (payload, True, True)
    assert wire.trailer_is_sound(datagram, packet.trailer, length)


def test_trailer_faults() -> None:
    signed = wire.RMCP_IPMI + wire.encode_signed_part(0, 1, 1, b"abc")
    assert wire.trailer_is_sound(signed + bytes(12), 19, 12)
    assert not wire.trailer_is_sound(signed + bytes(11), 19, 12)
    assert not wire.trailer_is_sound(signed[:-1] + b"\x06" + bytes(12), 19, 12)
    assert not wire.trailer_is_sound(signed[:-2] + b"\x00\x07" + bytes(12), 19, 12)
    assert not wire.trailer_is_sound(signed[:19], 19, 12)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x06\x00\xff\x07",
        b"\x05" + CAPABILITIES_REQUEST[1:],
        b"\x06\x00\xff\x08\x00",
        CAPABILITIES_REQUEST[:13],
        CAPABILITIES_REQUEST[:-1],
        bytes.fromhex("0600ff07 02 00000000 00000000 09") + bytes(8),
        bytes.fromhex("0600ff07 06 00 00000000 00000000 01"),
        bytes.fromhex("0600ff07 06 00 00000000 00000000 0100"),
        bytes.fromhex("0600ff06 000011be 40 2a 00 00"),
        bytes.fromhex("0600ff06 000011bf 80 2a 00 00"),
        bytes.fromhex("0600ff06 000011be 80 2a"),
        CAPABILITIES_REQUEST + bytes(wire.MAXIMUM_DATAGRAM),
    ],
)
def test_malformed(datagram: bytes) -> None:
    with pytest.raises(wire.MalformedPacket):
        wire.decode(datagram)


@given(st.binary(max_size=80), st.sampled_from([b"", wire.RMCP_IPMI, wire.RMCP_ASF, wire.RMCP_IPMI + b"\x06"]))
def test_any_bytes_give_a_packet_or_one_error(rest: bytes, start: bytes) -> None:
    try:
        wire.decode(start + rest)
    except wire.MalformedPacket:
        return
