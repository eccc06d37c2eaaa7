# SPDX-License-Identifier: Apache-2.0
"""OEM commands and group extensions of other packages."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from agent.ipmi_face.plugins import GROUP, register_plugins
from ipmi.board import Privilege
from ipmi.dispatch import Answer, Command, CommandTable
from ipmi.message import NetFn
from ipmi.request import Caller, Request
from tests.ipmi.memory_board import MemoryBoard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipmi.board import Board


def commands(board: Board) -> Iterable[Command]:
    def name(request: Request) -> Answer:
        return board.identity.name.encode()

    yield Command(NetFn.OEM_ONE, 0x77, "Vendor Name", Privilege.USER, name)
    yield Command(NetFn.OEM_GROUP, 0x01, "Vendor Group", Privilege.USER, name, group=b"\x57\x01\x00")


def broken(board: Board) -> Iterable[Command]:
    raise RuntimeError("on purpose")


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    module = ModuleType("vendor_commands")
    module.commands, module.broken = commands, broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "vendor_commands", module)
    names = ("missing:thing", "vendor_commands:broken", "vendor_commands:commands", "vendor_commands:commands")
    return [EntryPoint(f"entry{number}", value, GROUP) for number, value in enumerate(names)]


def test_a_bad_plug_in_is_left_out_and_the_others_work(
    entries: list[EntryPoint], caplog: pytest.LogCaptureFixture
) -> None:
    """The second one of the same commands finds its places taken."""
    table = CommandTable()
    assert register_plugins(table, MemoryBoard().board(), entries) == 2
    caller = Caller(1, 2, b"admin", 4, 4, "192.0.2.1")
    for netfn, code, data in ((0x30, 0x77, b""), (0x2E, 0x01, b"\x57\x01\x00")):
        found = table.find(Request(netfn, code, data, caller))
        assert found is not None
        assert found[0].handler(Request(netfn, code, data, caller)) == b"memory-board"
    assert caplog.text.count("is left out") == 3
