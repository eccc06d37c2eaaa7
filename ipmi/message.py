# SPDX-License-Identifier: Apache-2.0
"""The IPMI message inside every session packet: addresses, netFn, command, data and two checksums."""

from __future__ import annotations

import enum
from typing import NamedTuple

BMC_ADDRESS = 0x20
MINIMUM_LENGTH = 7
"""Two addresses, netFn/LUN, sequence/LUN, command and two checksums: a request without data."""


class NetFn(enum.IntEnum):
    """Network functions of requests; the answer uses the next odd number."""

    CHASSIS = 0x00
    SENSOR = 0x04
    APP = 0x06
    STORAGE = 0x0A
    TRANSPORT = 0x0C
    GROUP = 0x2C
    OEM_GROUP = 0x2E
    OEM_ONE = 0x30


class MalformedMessage(ValueError):
    """The bytes are no IPMI request for this controller."""


class Message(NamedTuple):
    """A request as it stands on the wire. Sequence and LUN of the requester are only echoed, so they stay joined."""

    netfn: int
    lun: int
    requester: int
    sequence_lun: int
    command: int
    data: bytes


def decode_request(payload: bytes) -> Message:
    """Take a request apart; raises MalformedMessage on bad length, checksum, address or direction."""
    if len(payload) < MINIMUM_LENGTH:
        raise MalformedMessage("shorter than 7 bytes")
    if (payload[0] + payload[1] + payload[2]) & 0xFF or sum(payload[3:]) & 0xFF:
        raise MalformedMessage("checksum")
    if payload[0] != BMC_ADDRESS:
        raise MalformedMessage("not addressed to the BMC")
    netfn = payload[1] >> 2
    if netfn & 1:
        raise MalformedMessage("a response, not a request")
    return Message(netfn, payload[1] & 3, payload[3], payload[4], payload[5], payload[6:-1])


def encode_response(request: Message, body: bytes) -> bytes:
    """Put `body` (completion code and data) into the response to `request`."""
    target = request.requester
    function = (request.netfn | 1) << 2 | request.sequence_lun & 3
    echoed = request.sequence_lun & 0xFC | request.lun
    rest = BMC_ADDRESS + echoed + request.command + sum(body)
    return b"%c%c%c%c%c%c%b%c" % (
        target,
        function,
        -(target + function) & 0xFF,
        BMC_ADDRESS,
        echoed,
        request.command,
        body,
        -rest & 0xFF,
    )


def encode_request(message: Message) -> bytes:
    """The bytes of a request: what a client sends."""
    head = bytes((BMC_ADDRESS, message.netfn << 2 | message.lun))
    tail = bytes((message.requester, message.sequence_lun, message.command)) + message.data
    return head + bytes((checksum(head),)) + tail + bytes((checksum(tail),))


def checksum(data: bytes) -> int:
    """The byte that makes the sum of `data` and itself zero modulo 256."""
    return -sum(data) & 0xFF
