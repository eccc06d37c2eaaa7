# SPDX-License-Identifier: Apache-2.0
"""The whole command table against the privilege that each command must need (IPMI 2.0 appendix G and docs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .console import message, plus

if TYPE_CHECKING:
    from .bench import Bench

OPEN, CALLBACK, USER, OPERATOR, ADMINISTRATOR = 0, 1, 2, 3, 4
NEEDED = {
    (0x00, 0x00): USER, (0x00, 0x01): USER, (0x00, 0x02): OPERATOR, (0x00, 0x04): OPERATOR, (0x00, 0x06): OPERATOR,
    (0x00, 0x07): USER, (0x00, 0x08): OPERATOR, (0x00, 0x09): OPERATOR, (0x00, 0x0A): ADMINISTRATOR,
    (0x00, 0x0F): USER,
    (0x04, 0x00): ADMINISTRATOR, (0x04, 0x01): USER, (0x04, 0x02): OPERATOR, (0x04, 0x10): USER,
    (0x04, 0x12): ADMINISTRATOR, (0x04, 0x13): OPERATOR, (0x04, 0x15): USER, (0x04, 0x24): OPERATOR,
    (0x04, 0x25): USER, (0x04, 0x26): OPERATOR, (0x04, 0x27): USER, (0x04, 0x28): OPERATOR, (0x04, 0x29): USER,
    (0x04, 0x2A): OPERATOR, (0x04, 0x2B): USER, (0x04, 0x2D): USER, (0x04, 0x2F): USER,
    (0x06, 0x01): USER, (0x06, 0x02): ADMINISTRATOR, (0x06, 0x03): ADMINISTRATOR, (0x06, 0x04): USER,
    (0x06, 0x06): ADMINISTRATOR, (0x06, 0x07): USER, (0x06, 0x08): USER, (0x06, 0x22): OPERATOR,
    (0x06, 0x24): OPERATOR, (0x06, 0x25): USER, (0x06, 0x2E): ADMINISTRATOR, (0x06, 0x2F): USER, (0x06, 0x31): USER,
    (0x06, 0x37): OPEN, (0x06, 0x38): OPEN, (0x06, 0x3B): CALLBACK, (0x06, 0x3C): CALLBACK, (0x06, 0x3D): USER,
    (0x06, 0x40): ADMINISTRATOR, (0x06, 0x41): USER, (0x06, 0x42): USER, (0x06, 0x43): ADMINISTRATOR,
    (0x06, 0x44): OPERATOR, (0x06, 0x45): ADMINISTRATOR, (0x06, 0x46): OPERATOR, (0x06, 0x47): ADMINISTRATOR,
    (0x06, 0x48): USER, (0x06, 0x49): USER, (0x06, 0x4A): USER, (0x06, 0x4B): USER, (0x06, 0x4C): ADMINISTRATOR,
    (0x06, 0x4D): OPERATOR, (0x06, 0x4E): USER, (0x06, 0x4F): USER, (0x06, 0x54): OPEN, (0x06, 0x58): ADMINISTRATOR,
    (0x06, 0x59): USER,
    (0x0A, 0x10): USER, (0x0A, 0x11): USER, (0x0A, 0x12): OPERATOR, (0x0A, 0x20): USER, (0x0A, 0x22): USER,
    (0x0A, 0x23): USER, (0x0A, 0x28): USER, (0x0A, 0x40): USER, (0x0A, 0x42): USER, (0x0A, 0x43): USER,
    (0x0A, 0x44): OPERATOR, (0x0A, 0x46): OPERATOR, (0x0A, 0x47): OPERATOR, (0x0A, 0x48): USER,
    (0x0A, 0x49): OPERATOR, (0x0A, 0x5C): USER, (0x0A, 0x5D): OPERATOR,
    (0x0C, 0x01): ADMINISTRATOR, (0x0C, 0x02): OPERATOR, (0x0C, 0x21): ADMINISTRATOR, (0x0C, 0x22): USER,
    (0x2C, 0x01): USER, (0x2C, 0x02): USER, (0x2C, 0x03): USER, (0x2C, 0x04): OPERATOR, (0x2C, 0x05): OPERATOR,
    (0x2C, 0x06): USER, (0x2C, 0x07): USER, (0x2C, 0x08): OPERATOR, (0x2C, 0x09): USER, (0x2C, 0x0A): ADMINISTRATOR,
    (0x2C, 0x10): USER, (0x2C, 0x12): ADMINISTRATOR, (0x2C, 0x13): USER,
    (0x30, 0x2D): OPERATOR, (0x30, 0x2E): USER,
}  # fmt: skip

GROUPS = {0x2C: b"\xdc"}


def test_the_table_is_complete(bench: Bench) -> None:
    table = {(row.netfn, row.code): row.privilege or 0 for row in bench.table.commands()}
    assert table == NEEDED


@pytest.mark.parametrize("level", [USER, OPERATOR, ADMINISTRATOR])
def test_on_the_wire(bench: Bench, level: int) -> None:
    """Asked without data, so that nothing runs: who may gets any other answer than D4h."""
    for (netfn, command), needed in NEEDED.items():
        answer = bench.login(role=level).run(netfn, command, GROUPS.get(netfn, b""))
        assert (answer[0] == 0xD4) == (level < needed), f"{netfn:02x}/{command:02x}"


def test_outside_a_session(bench: Bench) -> None:
    for (netfn, command), needed in NEEDED.items():
        answer = bench.give(plus(0, message(netfn, command, GROUPS.get(netfn, b""))))
        assert answer is not None
        assert (answer[16 + 6] == 0xD4) == (needed > OPEN), f"{netfn:02x}/{command:02x}"


def test_a_session_starts_at_user_level(bench: Bench) -> None:
    console = bench.console(role=4).login()
    assert console.run(0x06, 0x3B, b"\0") == bytes([0, USER])
    assert console.run(0x00, 0x02, b"\x01") == b"\xd4"
    assert not bench.parts.chassis.actions


def test_no_level_above_the_role_of_the_login(bench: Bench) -> None:
    console = bench.login(role=3)
    assert console.run(0x06, 0x3B, b"\x04") == b"\x81"
    assert console.run(0x06, 0x3B, b"\x02") == b"\0\x02"
    assert console.run(0x06, 0x3B, b"\x03") == b"\0\x03"
    for nonsense in (1, 5, 15):
        assert console.run(0x06, 0x3B, bytes([nonsense])) == b"\xcc"


def test_user_of_lower_level(bench: Bench) -> None:
    console = bench.login(name=b"guest", role=2)
    assert console.run(0x06, 0x3B, b"\x03") == b"\x81"
    assert console.run(0x00, 0x02, b"\x00") == b"\xd4"
    assert not bench.parts.chassis.actions
