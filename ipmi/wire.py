# SPDX-License-Identifier: Apache-2.0
"""Datagrams of IPMI over LAN: RMCP, ASF presence ping, and the IPMI 1.5 and 2.0 session headers.

Pure functions on bytes. Decoding has two outcomes: a typed packet, or MalformedPacket.
"""

from __future__ import annotations

import enum
import struct
from typing import Final, NamedTuple

RMCP_IPMI: Final = b"\x06\x00\xff\x07"
RMCP_ASF: Final = b"\x06\x00\xff\x06"
MAXIMUM_DATAGRAM: Final = 1024
"""No request of IPMI over LAN comes near this; longer ones are cut by the socket and then refused."""

_AUTH_NONE = 0x00
_AUTH_RMCP_PLUS = 0x06
_ENCRYPTED = 0x80
_AUTHENTICATED = 0x40
_NEXT_HEADER = 0x07
_ASF_IANA = b"\x00\x00\x11\xbe"
_ASF_PING = 0x80
_ASF_PONG = 0x40
_PLUS_HEADER = struct.Struct("<BBIIH")
_PLUS_HEADER_LENGTH = 16
_V15_HEADER_LENGTH = 14


class PayloadType(enum.IntEnum):
    """RMCP+ payload types that this server knows."""

    IPMI = 0x00
    SOL = 0x01
    OPEN_SESSION_REQUEST = 0x10
    OPEN_SESSION_RESPONSE = 0x11
    RAKP1 = 0x12
    RAKP2 = 0x13
    RAKP3 = 0x14
    RAKP4 = 0x15


class MalformedPacket(ValueError):
    """The datagram is not a packet that a BMC has to answer."""


class Ping(NamedTuple):
    """ASF presence ping."""

    tag: int


class ClassicPacket(NamedTuple):
    """IPMI 1.5 framing. Only the sessionless, unauthenticated form is of use to this server."""

    authentication: int
    session_id: int
    payload: bytes


class PlusPacket(NamedTuple):
    """RMCP+ framing; `signed` and `code` are empty when the packet is not authenticated."""

    payload_type: int
    encrypted: bool
    authenticated: bool
    session_id: int
    sequence: int
    payload: bytes
    trailer: int
    """Where the trailer (padding, then AuthCode) starts in the datagram."""


Packet = Ping | ClassicPacket | PlusPacket


def decode(datagram: bytes) -> Packet:
    """Tell what kind of packet a datagram is and take its headers apart."""
    if len(datagram) > MAXIMUM_DATAGRAM or len(datagram) < 5 or datagram[0] != 0x06:
        raise MalformedPacket("no RMCP header")
    if datagram[3] == 0x07:
        if datagram[4] == _AUTH_RMCP_PLUS:
            return _decode_plus(datagram)
        return _decode_classic(datagram)
    if datagram[3] == 0x06:
        return _decode_ping(datagram)
    raise MalformedPacket("RMCP class")


def session_of(datagram: bytes) -> int:
    """The session that an authenticated RMCP+ packet says it belongs to; 0 for every other datagram."""
    if len(datagram) < _PLUS_HEADER_LENGTH or datagram[0] != 0x06 or datagram[3] != 0x07:
        return 0
    if datagram[4] != _AUTH_RMCP_PLUS or not datagram[5] & _AUTHENTICATED:
        return 0
    return int.from_bytes(datagram[6:10], "little")


def _decode_plus(datagram: bytes) -> PlusPacket:
    if len(datagram) < _PLUS_HEADER_LENGTH:
        raise MalformedPacket("short RMCP+ header")
    _, kind, session_id, sequence, length = _PLUS_HEADER.unpack_from(datagram, 4)
    end = _PLUS_HEADER_LENGTH + length
    if end > len(datagram):
        raise MalformedPacket("payload longer than the datagram")
    return PlusPacket(
        kind & 0x3F,
        kind & _ENCRYPTED != 0,
        kind & _AUTHENTICATED != 0,
        session_id,
        sequence,
        datagram[_PLUS_HEADER_LENGTH:end],
        end,
    )


def _decode_classic(datagram: bytes) -> ClassicPacket:
    if len(datagram) < _V15_HEADER_LENGTH:
        raise MalformedPacket("short IPMI 1.5 header")
    authentication = datagram[4]
    start = _V15_HEADER_LENGTH if authentication == _AUTH_NONE else _V15_HEADER_LENGTH + 16
    if len(datagram) < start:
        raise MalformedPacket("short IPMI 1.5 header")
    end = start + datagram[start - 1]
    if end > len(datagram):
        raise MalformedPacket("payload longer than the datagram")
    return ClassicPacket(authentication, int.from_bytes(datagram[9:13], "little"), datagram[start:end])


def _decode_ping(datagram: bytes) -> Ping:
    if len(datagram) < 12 or datagram[4:8] != _ASF_IANA or datagram[8] != _ASF_PING:
        raise MalformedPacket("ASF message other than a ping")
    return Ping(datagram[9])


def encode_pong(tag: int) -> bytes:
    """Answer to a presence ping: IPMI is spoken here, ASF 1.0."""
    return RMCP_ASF + _ASF_IANA + bytes((_ASF_PONG, tag, 0, 16)) + _ASF_IANA + b"\0\0\0\0\x81\0" + bytes(6)


def encode_classic(payload: bytes) -> bytes:
    """A sessionless IPMI 1.5 packet."""
    return RMCP_IPMI + bytes(9) + bytes((len(payload),)) + payload


def encode_plus(payload_type: int, session_id: int, sequence: int, payload: bytes) -> bytes:
    """An RMCP+ packet without protection: everything before a session is established."""
    return RMCP_IPMI + _PLUS_HEADER.pack(_AUTH_RMCP_PLUS, payload_type, session_id, sequence, len(payload)) + payload


def encode_signed_part(payload_type: int, session_id: int, sequence: int, payload: bytes) -> bytes:
    """What the AuthCode of a protected packet covers: header, encrypted payload and padding, without the RMCP header.

    The AuthCode goes after it, RMCP_IPMI before it.
    """
    header = _PLUS_HEADER.pack(
        _AUTH_RMCP_PLUS, payload_type | _ENCRYPTED | _AUTHENTICATED, session_id, sequence, len(payload)
    )
    padding = -(len(payload) + 2) & 3
    return b"%b%b%b%c%c" % (header, payload, b"\xff" * padding, padding, _NEXT_HEADER)


def trailer_is_sound(datagram: bytes, start: int, code_length: int) -> bool:
    """Whether the bytes from `start` on are padding, pad length, next header and an AuthCode of `code_length` bytes."""
    end = len(datagram) - code_length - 2
    if end < start or datagram[end + 1] != _NEXT_HEADER:
        return False
    padding = end - start
    return padding < 4 and datagram[end] == padding and (end - 2) & 3 == 0
