# SPDX-License-Identifier: Apache-2.0
"""Payloads that set up an RMCP+ session: Open Session and RAKP messages 1 to 4 (IPMI 2.0 sections 13.17 to 13.23)."""

from __future__ import annotations

import enum
from typing import NamedTuple

_BLOCK_LENGTH = 8
_MAXIMUM_NAME = 16


class Status(enum.IntEnum):
    """RMCP+ status codes (table 13-15) that this server gives."""

    NO_ERRORS = 0x00
    INSUFFICIENT_RESOURCES = 0x01
    INVALID_SESSION_ID = 0x02
    INVALID_ROLE = 0x09
    UNAUTHORIZED_ROLE = 0x0A
    INVALID_NAME_LENGTH = 0x0C
    INVALID_INTEGRITY_CHECK_VALUE = 0x0F
    NO_MATCHING_CIPHER_SUITE = 0x11


class MalformedHandshake(ValueError):
    """A handshake payload that cannot even be answered with a status code."""


class OpenSessionRequest(NamedTuple):
    tag: int
    privilege: int
    console_id: bytes
    algorithms: tuple[int, int, int] | None
    """Authentication, integrity, confidentiality; None when the three blocks are not there as they should be."""


class Rakp1(NamedTuple):
    tag: int
    managed_id: int
    console_random: bytes
    role: int
    """The whole byte as sent: it enters every code."""
    name: bytes
    name_fits: bool
    """False when the stated length of the name is over 16 or over what was sent."""

    @property
    def privilege(self) -> int:
        return self.role & 0x0F


class Rakp3(NamedTuple):
    tag: int
    status: int
    managed_id: int
    code: bytes


def decode_open_session(payload: bytes) -> OpenSessionRequest:
    if len(payload) < 8:
        raise MalformedHandshake("open session request")
    blocks = [payload[start : start + _BLOCK_LENGTH] for start in (8, 16, 24)]
    sound = len(payload) == 32 and all(block[0] == kind and block[3] == 8 for kind, block in enumerate(blocks))
    numbers = (blocks[0][4] & 0x3F, blocks[1][4] & 0x3F, blocks[2][4] & 0x3F) if sound else None
    return OpenSessionRequest(payload[0], payload[1] & 0x0F, payload[4:8], numbers)


def encode_open_session_response(
    request: OpenSessionRequest, privilege: int, managed_id: bytes, algorithms: tuple[int, int, int]
) -> bytes:
    head = bytes((request.tag, Status.NO_ERRORS, privilege, 0)) + request.console_id + managed_id
    return head + b"".join(bytes((kind, 0, 0, 8, number, 0, 0, 0)) for kind, number in enumerate(algorithms))


def decode_rakp1(payload: bytes) -> Rakp1:
    if len(payload) < 28:
        raise MalformedHandshake("RAKP message 1")
    length = payload[27]
    name = payload[28 : 28 + length]
    fits = length <= _MAXIMUM_NAME and len(name) == length
    return Rakp1(payload[0], int.from_bytes(payload[4:8], "little"), payload[8:24], payload[24], name, fits)


def encode_rakp2(tag: int, console_id: bytes, managed_random: bytes, guid: bytes, code: bytes) -> bytes:
    return bytes((tag, Status.NO_ERRORS, 0, 0)) + console_id + managed_random + guid + code


def decode_rakp3(payload: bytes) -> Rakp3:
    if len(payload) < 8:
        raise MalformedHandshake("RAKP message 3")
    return Rakp3(payload[0], payload[1], int.from_bytes(payload[4:8], "little"), payload[8:])


def encode_rakp4(tag: int, console_id: bytes, check_value: bytes) -> bytes:
    return bytes((tag, Status.NO_ERRORS, 0, 0)) + console_id + check_value


def is_repeat(payload: bytes, first: bytes) -> bool:
    """Whether a message is the client's retry of another: FreeIPMI gives each retry a tag of its own."""
    return payload[1:] == first[1:]


def with_tag(answer: bytes, tag: int) -> bytes:
    """A kept answer for a retry: no code covers the tag."""
    return bytes((tag,)) + answer[1:]


def encode_refusal(tag: int, status: Status, console_id: bytes) -> bytes:
    """Error form of the Open Session Response, RAKP message 2 and RAKP message 4."""
    return bytes((tag, status, 0, 0)) + console_id
