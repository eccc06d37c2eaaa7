# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipmi.board import WatchdogAction
from ipmi.watchdog import Due, Watchdog, decode

if TYPE_CHECKING:
    from .bench import Bench

RESET_IN_60_S = bytes.fromhex("04 01 00 00 5802")


def started(data: bytes, now: float = 100.0) -> Watchdog:
    watchdog, settings = Watchdog(), decode(data)
    assert settings is not None
    watchdog.set(settings, keep_running=False, clear_uses=0, now=now)
    assert watchdog.start(now)
    return watchdog


def test_it_runs_out_once() -> None:
    watchdog = started(RESET_IN_60_S)
    assert watchdog.next_at() == 160.0
    assert watchdog.due(159.9) is None
    assert watchdog.due(160.0) is Due.EXPIRY
    assert watchdog.due(161.0) is None
    assert not watchdog.running
    assert watchdog.expired_uses == 1 << 4


def test_reset_begins_anew() -> None:
    watchdog = started(RESET_IN_60_S)
    watchdog.start(150.0)
    assert watchdog.due(160.0) is None
    assert watchdog.due(210.0) is Due.EXPIRY


def test_warning_comes_first_and_once() -> None:
    watchdog = started(bytes.fromhex("03 23 0a 00 5802"))
    assert watchdog.next_at() == 150.0
    assert watchdog.due(150.0) is Due.WARNING
    assert watchdog.next_at() == 160.0
    assert watchdog.due(150.0) is None
    assert watchdog.due(200.0) is Due.EXPIRY
    assert watchdog.settings is not None
    assert watchdog.settings.action is WatchdogAction.CYCLE


def test_setting_stops_unless_told_to_go_on() -> None:
    watchdog, settings = started(RESET_IN_60_S), decode(RESET_IN_60_S)
    assert settings is not None
    watchdog.set(settings, keep_running=True, clear_uses=0, now=130.0)
    assert watchdog.next_at() == 190.0
    watchdog.set(settings, keep_running=False, clear_uses=0, now=130.0)
    assert watchdog.next_at() is None
    watchdog.set(settings, keep_running=True, clear_uses=0, now=130.0)
    assert not watchdog.running, "what stands still is not started by this"


@pytest.mark.parametrize(
    "data", ["00 01 00 00 5802", "06 01 00 00 5802", "04 04 00 00 5802", "04 11 00 00 5802", "04 21 3d 00 5802"]
)
def test_what_cannot_be(data: str) -> None:
    """No use, a reserved use, a reserved action, an SMI, a warning before the beginning."""
    assert decode(bytes.fromhex(data)) is None


def test_over_the_wire(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x22) == b"\x80"
    assert console.run(0x06, 0x25) == bytes(9)
    assert console.run(0x06, 0x24, bytes.fromhex("84 21 02 3e 5802")) == b"\0"
    assert console.run(0x06, 0x25) == bytes.fromhex("00 84 21 02 00 5802 5802")
    assert console.run(0x06, 0x22) == b"\0"
    bench.now += 10
    assert console.run(0x06, 0x25) == bytes.fromhex("00 c4 21 02 00 5802 f401")
    assert console.run(0x06, 0x24, bytes.fromhex("00 00 00 00 0000")) == b"\xcc"


def test_it_acts_on_the_host(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x24, bytes.fromhex("04 22 01 00 0b00")) == b"\0"
    assert console.run(0x06, 0x22) == b"\0"
    bench.now += 0.5
    bench.wait(0.15)
    assert bench.parts.chassis.watchdog == [None], "the diagnostic interrupt, one second before"
    bench.now += 1.0
    bench.wait(1.1)
    assert bench.parts.chassis.watchdog == [None, WatchdogAction.POWER_OFF]
    assert console.run(0x06, 0x25)[4] == 1 << 4
    assert bench.parts.chassis.actions == []
