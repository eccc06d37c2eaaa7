# SPDX-License-Identifier: Apache-2.0
"""Every decoder that sees bytes of strangers, with the only exceptions that it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipmi import message, rakp, sol, watchdog, wire
from ipmi.crypto import SUITES
from ipmi.protection import Forged
from ipmi.protection.compiled import CompiledProtection
from ipmi.protection.interface import MAXIMUM_PAYLOAD
from ipmi.protection.interpreted import InterpretedProtection
from ipmi.records import sel

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPILED = CompiledProtection(SUITES[17], bytes(32))
_INTERPRETED = InterpretedProtection(SUITES[17], bytes(32))


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


def _protection(data: bytes) -> object:
    """Both implementations say the same of any bytes, and the compiled one opens what the other has sealed."""
    sealed = _INTERPRETED.seal(1, 2, 3, data[:MAXIMUM_PAYLOAD])
    assert _COMPILED.open(sealed) == (1, 3, data[:MAXIMUM_PAYLOAD])
    try:
        opened = _COMPILED.open(data)
    except (Forged, wire.MalformedPacket) as refused:
        try:
            _INTERPRETED.open(data)
        except type(refused):
            raise refused from None
        raise AssertionError(data) from refused
    assert _INTERPRETED.open(data) == opened
    return opened


DECODERS = (
    Decoder("wire", wire.decode, (wire.MalformedPacket,)),
    Decoder("trailer", _trailer),
    Decoder("message", _round_trip, (message.MalformedMessage,)),
    Decoder("open session", rakp.decode_open_session, (rakp.MalformedHandshake,)),
    Decoder("RAKP 1", rakp.decode_rakp1, (rakp.MalformedHandshake,)),
    Decoder("RAKP 3", rakp.decode_rakp3, (rakp.MalformedHandshake,)),
    Decoder("protection", _protection, (Forged, wire.MalformedPacket)),
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
