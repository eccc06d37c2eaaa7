# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ipmi.board import Privilege
from ipmi.completion import Completion
from ipmi.counters import Tally
from ipmi.dispatch import Answer, Command, CommandTable, Dispatcher
from ipmi.message import NetFn
from ipmi.request import Caller, Request


def echo(request: Request) -> Answer:
    return request.data


async def slow(request: Request) -> Answer:
    return request.data


def fail(request: Request) -> Answer:
    raise RuntimeError("on purpose")


TABLE = (
    Command(NetFn.OEM_ONE, 0x01, "echo", Privilege.USER, echo, 1, 3),
    Command(NetFn.OEM_ONE, 0x02, "fail", Privilege.USER, fail),
    Command(NetFn.OEM_ONE, 0x03, "open", None, echo),
    Command(NetFn.OEM_ONE, 0x04, "slow", Privilege.USER, slow, 1),
    Command(NetFn.GROUP, 0x01, "group", Privilege.OPERATOR, echo, 1, 2, group=b"\xdc"),
    Command(NetFn.OEM_GROUP, 0x01, "vendor", Privilege.USER, echo, group=b"\x57\x01\x00"),
)


def ask(netfn: int, command: int, data: bytes = b"", privilege: int = Privilege.USER, lun: int = 0) -> bytes | Command:
    caller = Caller(1, 2, b"user", privilege, privilege, "192.0.2.1")
    return Dispatcher(CommandTable(TABLE), Tally()).answer(Request(netfn, command, data, caller), lun)


def test_data_comes_after_the_completion_code() -> None:
    assert ask(0x30, 0x01, b"ab") == b"\0ab"


@pytest.mark.parametrize("data", [b"", b"abcd"])
def test_length(data: bytes) -> None:
    assert ask(0x30, 0x01, data) == b"\xc7"


def test_order_of_checks() -> None:
    assert ask(0x30, 0x7F, privilege=0) == b"\xc1", "unknown comes before privilege"
    assert ask(0x30, 0x01, privilege=Privilege.CALLBACK) == b"\xd4", "privilege comes before length"
    assert ask(0x30, 0x01, b"a", lun=1) == b"\xc2"


def test_open_commands_need_no_session() -> None:
    assert ask(0x30, 0x03, privilege=0) == b"\0"


def test_group_bytes_are_taken_off_and_put_back() -> None:
    assert ask(0x2C, 0x01, b"\xdcx", Privilege.OPERATOR) == b"\0\xdcx"
    assert ask(0x2C, 0x01, b"\xdc", Privilege.OPERATOR) == b"\xc7\xdc"
    assert ask(0x2E, 0x01, b"\x57\x01\x00yz") == b"\0\x57\x01\x00yz"


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x02", b"\x03"])
def test_unknown_groups_are_unknown_commands_at_any_privilege(data: bytes) -> None:
    """ipmitool asks 2C/3E and 2C/00 of every BMC at every level and complains about D4h."""
    assert ask(0x2C, 0x3E, data) == b"\xc1"
    assert ask(0x2C, 0x01, data) == b"\xc1"


def test_slow_commands_come_back_as_commands() -> None:
    answer = ask(0x30, 0x04, b"a")
    assert isinstance(answer, Command)
    assert answer.name == "slow"
    assert ask(0x30, 0x04) == b"\xc7"


def test_a_handler_that_raises_is_answered_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    tally = Tally()
    caller = Caller(1, 2, b"user", Privilege.USER, Privilege.USER, "192.0.2.1")
    dispatcher = Dispatcher(CommandTable(TABLE), tally)
    assert dispatcher.answer(Request(0x30, 0x02, b"", caller), 0) == bytes([Completion.UNSPECIFIED])
    assert tally.failures == 1
    assert "on purpose" in caplog.text


def test_a_place_can_be_taken_once() -> None:
    table = CommandTable(TABLE)
    with pytest.raises(ValueError, match="echo is registered there"):
        table.register(Command(NetFn.OEM_ONE, 0x01, "other", None, echo))
    table.register(Command(NetFn.GROUP, 0x01, "other group", None, echo, group=b"\x52"))


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (Command(NetFn.GROUP, 0x05, "no group", None, echo), "length of group"),
        (Command(NetFn.APP, 0x05, "a group", None, echo, group=b"\xdc"), "length of group"),
        (Command(NetFn.APP, 0x05, "not slow", None, echo, once=True), "coroutine"),
    ],
)
def test_contradictory_rows(row: Command, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        CommandTable([row])


def test_rows_are_listed_in_order() -> None:
    places = [(row.netfn, row.code, row.group) for row in CommandTable(reversed(TABLE)).commands()]
    assert places == sorted(places)
