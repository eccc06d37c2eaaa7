# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipmi.board import Privilege

from .console import LoginRefused

if TYPE_CHECKING:
    from .bench import Bench


def test_a_user_is_made_and_logs_in(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x45, b"\x07" + b"newcomer".ljust(16, b"\0")) == b"\0"
    assert console.run(0x06, 0x47, b"\x87\x02" + b"twenty bytes, no less") == b"\xc7"
    assert console.run(0x06, 0x47, b"\x87\x02" + b"exactly twenty bytes") == b"\0"
    assert console.run(0x06, 0x43, b"\x91\x07\x03\x00") == b"\0"
    assert console.run(0x06, 0x47, b"\x07\x01") == b"\0"
    assert console.run(0x06, 0x44, b"\x01\x07") == bytes([0, 15, 0x40 | 4, 0, 0x13])
    assert console.run(0x06, 0x46, b"\x07") == b"\0" + b"newcomer".ljust(16, b"\0")
    newcomer = bench.login(name=b"newcomer", password=b"exactly twenty bytes", role=3)
    assert newcomer.run(0x00, 0x02, b"\x01") == b"\0"


def test_a_disabled_user_is_thrown_out(bench: Bench) -> None:
    console, operator = bench.login(), bench.login(name=b"oper", role=3)
    assert console.run(0x06, 0x47, b"\x03\x00") == b"\0"
    assert operator.send(0x06, 0x01) is None
    with pytest.raises(LoginRefused):
        bench.login(name=b"oper", role=3)
    assert console.run(0x06, 0x47, b"\x03\x01" + bytes(16)) == b"\0", "some clients send a password along"
    assert bench.login(name=b"oper", role=3).run(0x06, 0x01)[0] == 0


def test_a_user_without_messaging_or_level_cannot_log_in(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x43, b"\x81\x03\x03") == b"\0"
    assert console.run(0x06, 0x44, b"\x01\x03")[4] == 0x03
    with pytest.raises(LoginRefused):
        bench.login(name=b"oper", role=3)
    assert console.run(0x06, 0x43, b"\x91\x03\x0f") == b"\0"
    assert console.run(0x06, 0x44, b"\x01\x03")[4] == 0x1F
    with pytest.raises(LoginRefused):
        bench.login(name=b"oper", role=2)


def test_the_own_session_survives_a_change_of_the_own_password(bench: Bench) -> None:
    console, other = bench.login(), bench.login()
    assert console.run(0x06, 0x47, b"\x02\x02" + b"another password") == b"\0"
    assert console.run(0x06, 0x01)[0] == 0
    assert other.send(0x06, 0x01) is None
    assert bench.login(password=b"another password").run(0x06, 0x01)[0] == 0


def test_an_empty_name_removes_a_user(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x45, b"\x04" + bytes(16)) == b"\0"
    assert [user.user_id for user in bench.parts.users.all()] == [2, 3, 5]
    assert console.run(0x06, 0x45, b"\x04" + bytes(16)) == b"\0", "it is gone already"
    assert console.run(0x06, 0x45, b"\x03" + b"oper".ljust(16, b"\0")) == b"\0", "the name that it has"
    assert console.run(0x06, 0x45, b"\x04" + b"oper".ljust(16, b"\0")) == b"\xcc", "a name that another user has"


def test_password_test(bench: Bench) -> None:
    console = bench.login()
    good, long = b"correct horse 17", b"a password of 20 chr"
    assert console.run(0x06, 0x47, b"\x03\x03" + good) == b"\0"
    assert console.run(0x06, 0x47, b"\x83\x03" + good + bytes(4)) == b"\0"
    assert console.run(0x06, 0x47, b"\x03\x03" + good[:-1] + b"8") == b"\x80"
    assert console.run(0x06, 0x47, b"\x83\x02" + long) == b"\0"
    assert console.run(0x06, 0x47, b"\x03\x03" + long[:16]) == b"\x81"
    assert console.run(0x06, 0x47, b"\x83\x03" + long) == b"\0"
    assert console.run(0x06, 0x47, b"\x0c\x03" + bytes(16)) == b"\x80", "nobody's password is not empty"


def test_payload_access(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x4D, b"\x01\x03") == b"\0\x02\0\0\0"
    assert console.run(0x06, 0x4C, b"\x01\x43\x02\0\0\0") == b"\0"
    assert console.run(0x06, 0x4D, b"\x01\x03") == b"\0\0\0\0\0"
    assert console.run(0x06, 0x4C, b"\x01\x03\x02\0\0\0") == b"\0"
    assert console.run(0x06, 0x4D, b"\x01\x03") == b"\0\x02\0\0\0"
    assert console.run(0x06, 0x4C, b"\x01\x43\x04\0\0\0") == b"\0", "payloads that do not exist"
    assert console.run(0x06, 0x4C, b"\x01\xc3\x02\0\0\0") == b"\xcc"


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (0x43, b"\x91\x00\x03"), (0x43, b"\x91\x10\x03"), (0x43, b"\x95\x03\x03"), (0x43, b"\x91\x03\x05"),
        (0x43, b"\x91\x03\x00"), (0x45, b"\x00" + b"x" * 16), (0x45, b"\x10" + b"x" * 16), (0x47, b"\x00\x01"),
        (0x47, b"\x10\x01"), (0x4C, b"\x01\x00\x02\0\0\0"), (0x4D, b"\x01\x00"), (0x4D, b"\x05\x02"),
    ],
)  # fmt: skip
def test_what_cannot_be(bench: Bench, command: int, data: bytes) -> None:
    before = list(bench.parts.users.all())
    assert bench.login().run(0x06, command, data) == b"\xcc"
    assert list(bench.parts.users.all()) == before


def test_passwords_are_nowhere_in_words(bench: Bench) -> None:
    user = bench.parts.users.all()[0]
    assert "horse" not in repr(user)
    assert user.privilege is Privilege.ADMINISTRATOR
