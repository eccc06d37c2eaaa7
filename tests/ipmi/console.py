# SPDX-License-Identifier: Apache-2.0
"""A remote console written from the specification and sharing no code with the server: the other side of every test."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from collections.abc import Callable

RMCP = bytes.fromhex("0600ff07")
HASHES = {3: (hashlib.sha1, 12, (1, 1, 1)), 17: (hashlib.sha256, 16, (3, 4, 1))}


def message(netfn: int, command: int, data: bytes = b"", *, sequence: int = 0, lun: int = 0) -> bytes:
    """An IPMI request with both checksums."""
    head = bytes([0x20, netfn << 2 | lun])
    tail = bytes([0x81, sequence << 2, command]) + data
    return head + bytes([-sum(head) & 255]) + tail + bytes([-sum(tail) & 255])


def classic(payload: bytes) -> bytes:
    return RMCP + bytes(9) + bytes([len(payload)]) + payload


def plus(kind: int, payload: bytes, session: int = 0, sequence: int = 0) -> bytes:
    numbers = session.to_bytes(4, "little") + sequence.to_bytes(4, "little") + len(payload).to_bytes(2, "little")
    return RMCP + bytes([6, kind]) + numbers + payload


def open_session(suite: int, *, tag: int = 0, privilege: int = 0, console: bytes = b"\xa1\xa2\xa3\xa4") -> bytes:
    """Open Session Request payload; suites unknown to this console are sent with algorithm numbers of their own."""
    numbers = {0: (0, 0, 0), 1: (1, 0, 0), 2: (1, 1, 0), 8: (2, 2, 1), 12: (2, 3, 1), 15: (3, 0, 0), 16: (3, 4, 0)}
    algorithms_ = HASHES[suite][2] if suite in HASHES else numbers[suite]
    blocks = b"".join(bytes([kind, 0, 0, 8, number, 0, 0, 0]) for kind, number in enumerate(algorithms_))
    return bytes([tag, privilege, 0, 0]) + console + blocks


class LoginRefused(Exception):
    """The server answered a handshake message with a status code."""

    def __init__(self, stage: str, status: int) -> None:
        super().__init__(f"{stage}: status {status:#04x}")
        self.stage = stage
        self.status = status


class NoAnswer(Exception):
    """The server kept silent where an answer was due."""


@dataclass
class Console:
    """Logs in and runs commands through `ask`, which sends one datagram and returns the answer to it, if any."""

    ask: Callable[[bytes], bytes | None]
    name: bytes = b"admin"
    password: bytes = b"correct horse 17"
    suite: int = 17
    role: int = 4
    asked: int = 0
    kg: bytes | None = None
    sequence: int = 3
    rq_seq: int = 0
    session: int = field(default=0, init=False)
    sent: bytes = field(default=b"", init=False)

    def _mac(self, key: bytes, *parts: bytes) -> bytes:
        return hmac.new(key, b"".join(parts), HASHES[self.suite][0]).digest()

    def _exchange(self, stage: str, kind: int, payload: bytes) -> bytes:
        answer = self.ask(plus(kind, payload))
        if answer is None:
            raise NoAnswer(stage)
        assert answer[:5] == RMCP + b"\x06"
        assert answer[5] == kind + 1
        body = answer[16:]
        assert len(body) == int.from_bytes(answer[14:16], "little")
        if body[1]:
            raise LoginRefused(stage, body[1])
        return body

    def login(self) -> Console:
        self.begin()
        self.finish()
        return self

    def begin(self) -> None:
        """Open Session and RAKP messages 1 and 2; checks the server's proof that it knows the password."""
        self.console_id = os.urandom(3) + b"\x01"
        opened = self._exchange("open", 0x10, open_session(self.suite, privilege=self.asked, console=self.console_id))
        assert opened[4:8] == self.console_id
        self.granted = opened[2]
        self.managed_id = opened[8:12]
        self.session = int.from_bytes(self.managed_id, "little")
        self.rm = os.urandom(16)
        self.who = bytes([self.role | 0x10, len(self.name)]) + self.name
        rakp1 = bytes(4) + self.managed_id + self.rm + self.who[:1] + b"\0\0" + self.who[1:]
        second = self._exchange("rakp2", 0x12, rakp1)
        self.rc, self.guid, code = second[8:24], second[24:40], second[40:]
        proof = self._mac(self.password, self.console_id, self.managed_id, self.rm, self.rc, self.guid, self.who)
        self.server_proved = code == proof

    def rakp3(self) -> bytes:
        """RAKP message 3 as a datagram."""
        code = self._mac(self.password, self.rc, self.console_id, self.who)
        return plus(0x14, bytes(4) + self.managed_id + code)

    def finish(self) -> None:
        """RAKP messages 3 and 4, then the keys."""
        fourth = self._exchange("rakp4", 0x14, self.rakp3()[16:])
        length = HASHES[self.suite][1]
        sik = self._mac(self.kg or self.password, self.rm, self.rc, self.who)
        assert fourth[8:] == self._mac(sik, self.rm, self.managed_id, self.guid)[:length]
        self.k1 = self._mac(sik, b"\x01" * 20)
        self.k2 = self._mac(sik, b"\x02" * 20)[:16]

    def seal(self, payload: bytes, *, sequence: int | None = None, kind: int = 0) -> bytes:
        """An encrypted, signed datagram; without `sequence` it gets the next number."""
        if sequence is None:
            sequence, self.sequence = self.sequence, self.sequence + 1
        pad = -(len(payload) + 1) % 16
        iv = os.urandom(16)
        plain = payload + bytes(range(1, pad + 1)) + bytes([pad])
        cipher = iv + Cipher(algorithms.AES(self.k2), modes.CBC(iv)).encryptor().update(plain)
        return self.sign(plus(0xC0 | kind, cipher, self.session, sequence))

    def sign(self, packet: bytes) -> bytes:
        """Add padding, pad length, next header and AuthCode to a packet."""
        fill = -(len(packet) - 4 + 2) % 4
        signed = packet[4:] + b"\xff" * fill + bytes([fill, 7])
        return RMCP + signed + self._mac(self.k1, signed)[: HASHES[self.suite][1]]

    def unseal(self, datagram: bytes) -> bytes:
        """The IPMI message inside a datagram of the server, everything about it checked."""
        length = HASHES[self.suite][1]
        assert datagram[4:6] == b"\x06\xc0"
        assert datagram[6:10] == self.console_id
        signed, code = datagram[4:-length], datagram[-length:]
        assert len(signed) % 4 == 0
        assert code == self._mac(self.k1, signed)[:length]
        size = int.from_bytes(datagram[14:16], "little")
        cipher = datagram[16 : 16 + size]
        plain = Cipher(algorithms.AES(self.k2), modes.CBC(cipher[:16])).decryptor().update(cipher[16:])
        pad = plain[-1]
        assert plain[-1 - pad : -1] == bytes(range(1, pad + 1))
        body = plain[: -1 - pad]
        assert sum(body[:3]) & 255 == 0
        assert sum(body[3:]) & 255 == 0
        return body

    def send(self, netfn: int, command: int, data: bytes = b"", *, lun: int = 0) -> bytes | None:
        """One command with the next rqSeq; completion code and data of the answer, or None."""
        self.rq_seq = (self.rq_seq + 1) % 64
        self.sent = message(netfn, command, data, sequence=self.rq_seq, lun=lun)
        answer = self.ask(self.seal(self.sent))
        if answer is None:
            return None
        body = self.unseal(answer)
        assert body[1] >> 2 == netfn | 1
        assert body[4] >> 2 == self.rq_seq
        assert body[5] == command
        return body[6:-1]

    def run(self, netfn: int, command: int, data: bytes = b"", *, lun: int = 0) -> bytes:
        """As `send`, where silence is an error."""
        answer = self.send(netfn, command, data, lun=lun)
        if answer is None:
            raise NoAnswer(f"{netfn:#04x}/{command:#04x}")
        return answer
