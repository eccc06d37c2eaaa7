# SPDX-License-Identifier: Apache-2.0
"""Packet protection in Python: for a machine without OpenSSL 3, and what the compiled one is compared with."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ipmi import wire
from ipmi.crypto import packet_keys
from ipmi.protection.interface import MAXIMUM_PAYLOAD, Forged

if TYPE_CHECKING:
    from ipmi.crypto import Suite

_BLOCK: Final = 16
_PADS = tuple(bytes(range(1, length + 1)) + bytes((length,)) for length in range(_BLOCK))


class InterpretedProtection:
    """Implements Protection over the two keys."""

    __slots__ = ("_aes", "_k1", "_suite")

    def __init__(self, suite: Suite, session_key: bytes) -> None:
        self._suite = suite
        self._k1, k2 = packet_keys(suite, session_key)
        self._aes = algorithms.AES(k2)

    def open(self, datagram: bytes) -> tuple[int, int, bytes | None]:
        packet = wire.decode(datagram)
        if not isinstance(packet, wire.PlusPacket) or not (packet.encrypted and packet.authenticated):
            raise wire.MalformedPacket("protection")
        length = self._suite.tag_length
        if not wire.trailer_is_sound(datagram, packet.trailer, length):
            raise wire.MalformedPacket("protection")
        if not hmac.compare_digest(self._code(datagram[4:-length]), datagram[-length:]):
            raise Forged
        return packet.payload_type, packet.sequence, self._decrypt(packet.payload)

    def seal(self, payload_type: int, session_id: int, sequence: int, payload: bytes) -> bytes:
        if len(payload) > MAXIMUM_PAYLOAD:
            raise ValueError(f"payload of {len(payload)} bytes")
        signed = wire.encode_signed_part(payload_type, session_id, sequence, self._encrypt(payload))
        return wire.RMCP_IPMI + signed + self._code(signed)

    def _code(self, signed: bytes) -> bytes:
        return hmac.digest(self._k1, signed, self._suite.digest)[: self._suite.tag_length]

    def _encrypt(self, payload: bytes) -> bytes:
        iv = os.urandom(_BLOCK)
        return iv + Cipher(self._aes, modes.CBC(iv)).encryptor().update(payload + _PADS[-(len(payload) + 1) % _BLOCK])

    def _decrypt(self, sealed: bytes) -> bytes | None:
        """The plain payload; None unless length and padding are exactly what the standard says."""
        if len(sealed) < 2 * _BLOCK or len(sealed) % _BLOCK:
            return None
        plain = Cipher(self._aes, modes.CBC(sealed[:_BLOCK])).decryptor().update(sealed[_BLOCK:])
        length = plain[-1]
        if length >= _BLOCK or plain[-1 - length :] != _PADS[length]:
            return None
        return plain[: -1 - length]
