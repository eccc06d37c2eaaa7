# SPDX-License-Identifier: Apache-2.0
"""Structure-aware fuzzing: good packets of every kind, damaged in every way, before and inside sessions.

PGOOD_FUZZ sets the number of datagrams, PGOOD_FUZZ_SEED the seed; a failure prints what repeats it.
"""

from __future__ import annotations

import os
import random
import tracemalloc
from typing import TYPE_CHECKING

from .bench import Bench
from .console import Console, LoginRefused, NoAnswer, classic, message, open_session, plus

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = int(os.environ.get("PGOOD_FUZZ", "4000"))
SEED = int(os.environ.get("PGOOD_FUZZ_SEED", "20"))
STRANGER = ("198.51.100.9", 1024)


class Attacker:
    """Makes datagrams: some from outside, some with a real session of an operator."""

    def __init__(self, bench: Bench, dice: random.Random) -> None:
        self.bench = bench
        self.dice = dice
        self.rows = [(row.netfn, row.code) for row in bench.table.commands()]
        self.console: Console | None = None
        self.kinds: list[Callable[[], bytes]] = [
            self.ping,
            self.capabilities,
            self.sessionless,
            self.open,
            self.rakp1,
            self.rakp3,
            self.in_session,
            self.in_session,
            self.in_session,
            self.sealed_rubbish,
            self.console_data,
        ]

    def make(self) -> bytes:
        datagram = self.dice.choice(self.kinds)()
        return self.damage(datagram) if self.dice.random() < 0.6 else datagram

    def ping(self) -> bytes:
        return bytes.fromhex("0600ff06 000011be 80") + self.dice.randbytes(1) + b"\0\0"

    def capabilities(self) -> bytes:
        request = message(0x06, self.dice.choice([0x38, 0x54]), self.dice.randbytes(self.dice.choice([1, 2, 3, 4])))
        return classic(request) if self.dice.random() < 0.5 else plus(0, request)

    def sessionless(self) -> bytes:
        netfn, command = self.dice.choice(self.rows)
        return plus(0, message(netfn, command, self.dice.randbytes(self.dice.randrange(8))))

    def open(self) -> bytes:
        request = open_session(
            self.dice.choice([0, 3, 17]), tag=self.dice.randrange(256), console=self.dice.randbytes(4)
        )
        return plus(0x10, request)

    def rakp1(self) -> bytes:
        who = self.dice.choice([b"admin", b"oper", b"nobody", b""])
        role = self.dice.choice([0x14, 0x13, 0x02, 0x05, 0x00])
        body = bytes([0, 0, 0, 0]) + self.some_id() + self.dice.randbytes(16) + bytes([role, 0, 0, len(who)]) + who
        return plus(0x12, body)

    def rakp3(self) -> bytes:
        status = self.dice.choice([0, 0, 0, 0x0F])
        return plus(
            0x14, bytes([0, status, 0, 0]) + self.some_id() + self.dice.randbytes(self.dice.choice([0, 20, 32]))
        )

    def some_id(self) -> bytes:
        """Mostly ids that the server has just given out."""
        entries = [entry.session_id for entry in self.bench.sessions._handshake.half_open]
        if entries and self.dice.random() < 0.8:
            return self.dice.choice(entries[-8:]).to_bytes(4, "little")
        return self.dice.randbytes(4)

    def in_session(self) -> bytes:
        netfn, command = self.dice.choice(self.rows) if self.dice.random() < 0.9 else (self.dice.randrange(64), 1)
        data = self.dice.randbytes(self.dice.choice([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 40]))
        if data and self.dice.random() < 0.7:
            data = bytes([self.dice.choice([0, 1, 2, 3, 4, 5, 6, 0xFF])]) + data[1:]
        if netfn == 0x2C and self.dice.random() < 0.9:
            data = b"\xdc" + data
        request = message(
            netfn & 0x3F, command, data, sequence=self.dice.randrange(64), lun=self.dice.choice([0, 0, 0, 1])
        )
        if self.dice.random() < 0.2:
            request = self.damage(request)
        return self.session().seal(request)

    def sealed_rubbish(self) -> bytes:
        """Signed and encrypted, but no IPMI message, or of another payload type."""
        return self.session().seal(
            self.dice.randbytes(self.dice.randrange(20)), kind=self.dice.choice([0, 0, 1, 2, 0x10])
        )

    def console_data(self) -> bytes:
        """Serial over LAN, mostly with the console activated."""
        session = self.session()
        if self.dice.random() < 0.1:
            return session.seal(message(0x06, 0x48, bytes([1, 1, 0xC0, 0, 0, 0]), sequence=self.dice.randrange(64)))
        head = bytes(self.dice.choice([0, 1, 2, 15, 255]) for _ in range(3)) + self.dice.randbytes(1)
        return session.seal(head + self.dice.randbytes(self.dice.randrange(40)), kind=1)

    def session(self) -> Console:
        if self.console is None or self.bench.sessions.find(self.console.session) is None:
            self.console = Console(self.bench.from_address(STRANGER), name=b"oper", role=3)
            while True:
                try:
                    self.console.login()
                except (LoginRefused, NoAnswer):
                    continue
                break
            self.console.run(0x06, 0x3B, b"\x03")
        return self.console

    def damage(self, datagram: bytes) -> bytes:
        dice, data = self.dice, bytearray(datagram)
        for _ in range(dice.choice([1, 1, 1, 2, 4])):
            where = dice.randrange(len(data)) if data else 0
            match dice.randrange(6):
                case 0 if data:
                    data[where] ^= 1 << dice.randrange(8)
                case 1 if data:
                    data[where] = dice.choice([0x00, 0xFF, 0x7F, 0x80, dice.randrange(256)])
                case 2:
                    del data[where:]
                case 3:
                    data += dice.randbytes(dice.choice([1, 4, 16, 64, 1200]))
                case 4:
                    del data[where : where + dice.choice([1, 2, 4, 16])]
                case _:
                    data[where:where] = dice.randbytes(dice.choice([1, 2, 4]))
        return bytes(data)


def test_no_datagram_disturbs_the_server_or_others() -> None:
    dice = random.Random(SEED)
    bench = Bench()
    attacker = Attacker(bench, dice)
    bystander = bench.login()
    half_way, grown = COUNT // 2, 0
    for number in range(COUNT):
        datagram = attacker.make()
        try:
            bench.give(datagram, STRANGER)
            if dice.random() < 0.02:
                bench.give(datagram, STRANGER)
        except Exception as error:
            raise AssertionError(f"seed {SEED}, datagram {number}: {datagram.hex()}") from error
        if dice.random() < 0.05:
            bench.console_says(dice.randbytes(dice.randrange(400)))
        bench.sol_sent.clear()
        bench.now += dice.choice([0.0, 0.001, 0.05])
        if number % 200 == 199:
            bench.sessions.tick(bench.now)
            assert bystander.run(0x00, 0x01)[0] == 0, f"seed {SEED}, before datagram {number}"
        if number == half_way and COUNT >= 100_000:
            tracemalloc.start()
            grown = tracemalloc.get_traced_memory()[0]
    if COUNT >= 100_000:
        grown = tracemalloc.get_traced_memory()[0] - grown
        tracemalloc.stop()
        assert grown < 4_000_000, f"{grown} bytes more after {COUNT - half_way} datagrams"
    assert bench.tally.failures == 0
    assert bench.tally.commands > COUNT // 20, "the fuzzer must get through to the commands"
    assert bench.tally.malformed > COUNT // 20
    assert bench.sessions.half_open_count <= 1024
    assert bench.login().run(0x06, 0x01)[0] == 0
    bench.close()
