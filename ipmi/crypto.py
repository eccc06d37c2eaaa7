# SPDX-License-Identifier: Apache-2.0
"""Cipher suites 3 and 17: key derivation, RAKP codes, packet integrity and AES-CBC (IPMI 2.0 section 13).

Pure functions on bytes, and one object per session that keeps its keys. Every comparison takes constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK: Final = 16
_HASH_BLOCK = 64
"""Of SHA-1 and SHA-256 alike."""
_INNER_PAD = bytes(value ^ 0x36 for value in range(256))
_OUTER_PAD = bytes(value ^ 0x5C for value in range(256))
_K1_CONSTANT = b"\x01" * 20
_K2_CONSTANT = b"\x02" * 20
"""Twenty bytes for every hash: the specification says so for SHA-256 as well."""
_PADS = tuple(bytes(range(1, length + 1)) + bytes((length,)) for length in range(BLOCK))


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite: its three algorithm numbers, its hash and how much of it is sent."""

    number: int
    authentication: int
    integrity: int
    confidentiality: int
    digest: str
    tag_length: int
    """Bytes of the RAKP4 check value and of each packet's AuthCode."""

    @property
    def algorithms(self) -> tuple[int, int, int]:
        return self.authentication, self.integrity, self.confidentiality

    @property
    def record(self) -> bytes:
        """Cipher suite record as Get Channel Cipher Suites lists it."""
        return bytes((0xC0, self.number, self.authentication, 0x40 | self.integrity, 0x80 | self.confidentiality))


SUITES: Final = {
    suite.number: suite
    for suite in (
        Suite(3, 1, 1, 1, "sha1", 12),
        Suite(17, 3, 4, 1, "sha256", 16),
    )
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What both sides of a RAKP handshake know; identifiers are the four bytes as sent."""

    console_id: bytes
    managed_id: bytes
    console_random: bytes
    managed_random: bytes
    guid: bytes
    role: int
    name: bytes

    @property
    def _identity(self) -> bytes:
        return bytes((self.role, len(self.name))) + self.name

    def rakp2_code(self, suite: Suite, password: bytes) -> bytes:
        return hmac.digest(
            password,
            self.console_id + self.managed_id + self.console_random + self.managed_random + self.guid + self._identity,
            suite.digest,
        )

    def rakp3_code(self, suite: Suite, password: bytes) -> bytes:
        return hmac.digest(password, self.managed_random + self.console_id + self._identity, suite.digest)

    def session_key(self, suite: Suite, key: bytes) -> bytes:
        """SIK; `key` is Kg, or the password where the board has no Kg."""
        return hmac.digest(key, self.console_random + self.managed_random + self._identity, suite.digest)

    def rakp4_code(self, suite: Suite, session_key: bytes) -> bytes:
        code = hmac.digest(session_key, self.console_random + self.managed_id + self.guid, suite.digest)
        return code[: suite.tag_length]


class DecryptionError(ValueError):
    """The padding of a decrypted payload is wrong."""


class PacketKeys:
    """The keys of one established session: signs, checks, encrypts and decrypts its packets. Not thread-safe.

    CBC is done here over two AES contexts that live as long as the session: the library's CBC contexts cannot take
    a new IV, and making one for each packet costs several times the encryption itself. HMAC (RFC 2104) is done over
    two hashes that have the key's pads behind them, for the same reason.
    """

    __slots__ = ("_decrypt", "_encrypt", "_inner", "_outer", "tag_length")

    def __init__(self, suite: Suite, session_key: bytes) -> None:
        self.tag_length = suite.tag_length
        k1 = hmac.digest(session_key, _K1_CONSTANT, suite.digest).ljust(_HASH_BLOCK, b"\0")
        self._inner = hashlib.new(suite.digest, k1.translate(_INNER_PAD))
        self._outer = hashlib.new(suite.digest, k1.translate(_OUTER_PAD))
        k2 = hmac.digest(session_key, _K2_CONSTANT, suite.digest)
        aes = Cipher(algorithms.AES(k2[:BLOCK]), modes.ECB())
        self._encrypt = aes.encryptor().update
        self._decrypt = aes.decryptor().update

    def sign(self, signed_part: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(signed_part)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[: self.tag_length]

    def is_signed(self, signed_part: bytes, code: bytes) -> bool:
        return hmac.compare_digest(self.sign(signed_part), code)

    def encrypt(self, payload: bytes) -> bytes:
        """Random IV, then the payload and its confidentiality pad under AES-128-CBC."""
        block = os.urandom(BLOCK)
        sealed = [block]
        padded = payload + _PADS[-(len(payload) + 1) % BLOCK]
        for start in range(0, len(padded), BLOCK):
            block = self._encrypt(_xor(padded[start : start + BLOCK], block))
            sealed.append(block)
        return b"".join(sealed)

    def decrypt(self, payload: bytes) -> bytes:
        """The plain payload; raises DecryptionError unless length and pad are exactly what the standard says."""
        if len(payload) < 2 * BLOCK or len(payload) % BLOCK:
            raise DecryptionError("length")
        plain = _xor(self._decrypt(payload[BLOCK:]), payload[:-BLOCK])
        length = plain[-1]
        if length >= BLOCK or plain[-1 - length :] != _PADS[length]:
            raise DecryptionError("pad")
        return plain[: -1 - length]


def _xor(one: bytes, other: bytes) -> bytes:
    """Two strings of the same length, byte by byte."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")
