# SPDX-License-Identifier: Apache-2.0
"""Every decoder that sees bytes of strangers, with the only exceptions that it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipmi import message, rakp, sol, watchdog, wire
from ipmi.crypto import SUITES, DecryptionError, PacketKeys
from ipmi.records import sel

if TYPE_CHECKING:
    from collections.abc import Callable

_KEYS = PacketKeys(SUITES[17], bytes(32))


@dataclass(frozen=True)
class Decoder:
    name: str
    decode: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...] = ()


def _trailer(data: bytes) -> object:
    return wire.trailer_is_sound(data, 16, 12)


def _watchdog(data: bytes) -> object:
    """The dispatcher lets only six bytes through."""
    return watchdog.decode(data) if len(data) == 6 else None


def _round_trip(data: bytes) -> object:
    """What is decoded as a request is encoded to the same bytes."""
    request = message.decode_request(data)
    assert message.encode_request(request) == data[:1] + data[1:], (request, data)
    return request


def _padding(data: bytes) -> object:
    """What is encrypted here is decrypted to the same bytes; what is not is refused or has sound padding."""
    assert _KEYS.decrypt(_KEYS.encrypt(data)) == data
    return _KEYS.decrypt(data)


DECODERS = (
    Decoder("wire", wire.decode, (wire.MalformedPacket,)),
    Decoder("trailer", _trailer),
    Decoder("message", _round_trip, (message.MalformedMessage,)),
    Decoder("open session", rakp.decode_open_session, (rakp.MalformedHandshake,)),
    Decoder("RAKP 1", rakp.decode_rakp1, (rakp.MalformedHandshake,)),
    Decoder("RAKP 3", rakp.decode_rakp3, (rakp.MalformedHandshake,)),
    Decoder("decryption", _padding, (DecryptionError,)),
    Decoder("SOL", sol.decode),
    Decoder("SEL record", sel.decode),
    Decoder("watchdog", _watchdog),
)


def feed(decoder: Decoder, data: bytes) -> bool:
    """Whether the bytes were accepted. Any other exception passes through: that is a finding."""
    try:
        return decoder.decode(data) is not None
    except decoder.refuses:
        return False
