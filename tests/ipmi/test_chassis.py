# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipmi import board
from ipmi.board import ActionReply, ChassisAction, RestorePolicy

from .memory_board import MemoryChassis

if TYPE_CHECKING:
    from .bench import Bench


def test_capabilities(bench: Bench) -> None:
    assert bench.login().run(0x00, 0x00) == bytes.fromhex("00 04 20 20 20 20")


def test_status_bits(bench: Bench) -> None:
    class Troubled(MemoryChassis):
        def status(self) -> board.ChassisStatus:
            return board.ChassisStatus(
                True,
                RestorePolicy.ALWAYS_ON,
                board.LastPowerEvent.AC_FAILED | board.LastPowerEvent.ON_BY_IPMI,
                power_fault=True,
                control_fault=True,
                cooling_fault=True,
                intrusion=True,
                identify_on=True,
            )

    console = bench.login()
    assert console.run(0x00, 0x01) == bytes.fromhex("00 00 00 40 00")
    bench.parts.chassis.__class__ = Troubled
    assert console.run(0x00, 0x01) == bytes.fromhex("00 59 11 59 00")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (ActionReply.ACCEPTED, 0x00),
        (ActionReply.BUSY, 0xC0),
        (ActionReply.NOT_IN_THIS_STATE, 0xD5),
        (ActionReply.REFUSED, 0xD5),
    ],
)
@pytest.mark.parametrize("action", list(ChassisAction))
def test_control(bench: Bench, action: ChassisAction, reply: ActionReply, code: int) -> None:
    class Fixed(MemoryChassis):
        async def control(self, action: ChassisAction, origin: str) -> ActionReply:
            self.actions.append((action, origin))
            return reply

    bench.parts.chassis.__class__ = Fixed
    assert bench.login(name=b"oper", role=3).run(0x00, 0x02, bytes([action])) == bytes([code])
    assert bench.parts.chassis.actions == [(action, "ipmi:oper@192.0.2.1")]


@pytest.mark.parametrize(("data", "code"), [(b"\x06", 0xCC), (b"\x0f", 0xCC), (b"", 0xC7), (b"\x01\x00", 0xC7)])
def test_control_of_nothing(bench: Bench, data: bytes, code: int) -> None:
    assert bench.login().run(0x00, 0x02, data) == bytes([code])
    assert not bench.parts.chassis.actions


@pytest.mark.parametrize(
    ("data", "seconds"), [(b"", 15), (b"\x00", 0), (b"\x1e", 30), (b"\x1e\x00", 30), (b"\x00\x01", None)]
)
def test_identify(bench: Bench, data: bytes, seconds: int | None) -> None:
    assert bench.login().run(0x00, 0x04, data) == b"\0"
    assert bench.parts.chassis.identified == [seconds]


def test_identify_shows_in_the_status(bench: Bench) -> None:
    console = bench.login()
    console.run(0x00, 0x04, b"\x00\x01")
    assert console.run(0x00, 0x01)[3] & 0x30


def test_restore_policy(bench: Bench) -> None:
    console = bench.login()
    for policy in RestorePolicy:
        assert console.run(0x00, 0x06, bytes([policy])) == b"\0\x07"
        assert bench.parts.chassis.policy is policy
    assert console.run(0x00, 0x06, b"\x03") == b"\0\x07"
    assert bench.parts.chassis.policy is RestorePolicy.ALWAYS_ON
    assert console.run(0x00, 0x06, b"\x04") == b"\xcc"


def test_restart_cause_and_hours(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x00, 0x07) == b"\0\x00\x01"
    console.run(0x00, 0x02, b"\x01")
    assert console.run(0x00, 0x07) == b"\0\x01\x01"
    assert console.run(0x00, 0x0F) == b"\0\x01" + (1234 * 60).to_bytes(4, "little")


def test_front_panel_buttons_where_the_board_can_keep_them_away(bench: Bench) -> None:
    chassis, console = bench.parts.chassis, bench.login()
    assert isinstance(chassis, MemoryChassis)
    assert console.run(0x00, 0x0A, b"\x01")[0] == 0xD5
    assert console.run(0x00, 0x01)[4] == 0
    chassis.panel = board.FrontPanelButtons(power_can=True, reset_can=True)
    assert console.run(0x00, 0x00)[1] & 0x02
    assert console.run(0x00, 0x01)[4] == 0x30
    assert console.run(0x00, 0x0A, b"\x03") == b"\x00"
    assert console.run(0x00, 0x01)[4] == 0x33
    assert console.run(0x00, 0x0A, b"\x04")[0] == 0xCC
    assert console.run(0x00, 0x0A, b"\x00") == b"\x00"
    assert console.run(0x00, 0x01)[4] == 0x30
