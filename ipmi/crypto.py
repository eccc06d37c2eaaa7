# SPDX-License-Identifier: Apache-2.0
"""Cipher suites 3 and 17: key derivation and RAKP codes (IPMI 2.0 section 13). Pure functions on bytes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

AES_KEY: Final = 16
_HASH_BLOCK = 64
"""Of SHA-1 and SHA-256 alike."""
_K1_CONSTANT = b"\x01" * 20
_K2_CONSTANT = b"\x02" * 20
"""Twenty bytes for every hash: the specification says so for SHA-256 as well."""


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


def packet_keys(suite: Suite, session_key: bytes) -> tuple[bytes, bytes]:
    """K1 for AuthCodes, with zeros up to the hash's block, and the half of K2 that is the AES key (section 13.32)."""
    k1 = hmac.digest(session_key, _K1_CONSTANT, suite.digest)
    k2 = hmac.digest(session_key, _K2_CONSTANT, suite.digest)
    return k1.ljust(_HASH_BLOCK, b"\0"), k2[:AES_KEY]
