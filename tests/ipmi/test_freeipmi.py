# SPDX-License-Identifier: Apache-2.0
"""FreeIPMI's tools against the server on a real socket."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipmi.board import ChassisAction

if TYPE_CHECKING:
    from .clients import Clients
    from .memory_board import MemoryBoard


def ok(clients: Clients, tool: str, *arguments: str) -> str:
    result = clients.freeipmi(tool, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("suite", ["3", "17"])
def test_bmc_info(clients: Clients, suite: str) -> None:
    shown = ok(clients, "bmc-info", "-I", suite)
    assert "Device ID             : 32" in shown
    assert "IPMI Version          : 2.0" in shown
    assert "1f1e1d1c-1b1a-1918-1716-151413121110" in shown
    assert "802.3 LAN" in shown


def test_ipmipower(clients: Clients, parts: MemoryBoard) -> None:
    assert "off" in ok(clients, "ipmipower", "--stat")
    assert "ok" in ok(clients, "ipmipower", "--on", "--wait-until-on")
    for option in ("--cycle", "--reset", "--pulse", "--soft"):
        parts.chassis.power_on = True
        assert "ok" in ok(clients, "ipmipower", option)
    assert "ok" in ok(clients, "ipmipower", "--off", "--wait-until-off")
    assert [action for action, _ in parts.chassis.actions] == [
        ChassisAction.ON,
        ChassisAction.CYCLE,
        ChassisAction.RESET,
        ChassisAction.NMI,
        ChassisAction.SOFT_OFF,
        ChassisAction.FORCE_OFF,
    ]


def test_on_if_off(clients: Clients, parts: MemoryBoard) -> None:
    ok(clients, "ipmipower", "--reset", "--on-if-off")
    assert [action for action, _ in parts.chassis.actions] == [ChassisAction.ON]


def test_ipmi_chassis(clients: Clients, parts: MemoryBoard) -> None:
    assert "System Power                        : off" in ok(clients, "ipmi-chassis", "--get-status")
    ok(clients, "ipmi-chassis", "--chassis-control=POWER-UP")
    assert parts.chassis.power_on
    ok(clients, "ipmi-chassis", "--set-power-restore-policy=ALWAYS-ON")
    assert "Always on" in ok(clients, "ipmi-chassis", "--get-status")
    ok(clients, "ipmi-chassis", "--get-chassis-capabilities")
    ok(clients, "ipmi-chassis", "--get-system-restart-cause")
    assert "1234 Hours" in ok(clients, "ipmi-chassis", "--get-power-on-hours-counter")
    ok(clients, "ipmi-chassis", "--chassis-identify=30")
    assert parts.chassis.identified == [30]


def test_sensors(clients: Clients) -> None:
    shown = ok(clients, "ipmi-sensors", "--output-sensor-thresholds")
    assert "| Inlet Temp     | Temperature              | 24.00      | C     |" in shown
    assert "| 45.00 " in shown
    assert "'Presence detected'" in shown
    assert "'Fully Redundant'" in shown


def test_event_log(clients: Clients, parts: MemoryBoard) -> None:
    ok(clients, "ipmi-sel")
    add = ok(
        clients, "ipmi-raw", "0", "0x0a", "0x44", "0", "0", "2", "0", "0", "0", "0", "0x20", "0", "4", "9", "0x11",
        "0x0b", "1", "0xff", "0xff",
    )  # fmt: skip
    assert "rcvd: 44 00 01 00" in add
    assert "Redundancy Lost" in ok(clients, "ipmi-sel")
    assert "Number of log entries" in ok(clients, "ipmi-sel", "--info")
    ok(clients, "ipmi-sel", "--clear")
    assert parts.event_log.clears == 1


def test_inventory(clients: Clients) -> None:
    shown = ok(clients, "ipmi-fru")
    assert "FRU Board Product Name: Memory board" in shown
    assert "FRU Product Asset Tag: rack 7" in shown


def test_cold_redundancy(clients: Clients) -> None:
    assert "rcvd: 2D 00 00" in ok(clients, "ipmi-raw", "0", "0x30", "0x2d", "0x01", "0x00")
    assert "rcvd: 2E 00 01 00" in ok(clients, "ipmi-raw", "0", "0x30", "0x2e", "0x01")


@pytest.mark.parametrize(
    ("user", "password", "words"),
    [("admin", "wrong", "password invalid"), ("nobody", "wrong", "password invalid")],
)
def test_wrong_password_and_unknown_user_look_the_same(clients: Clients, user: str, password: str, words: str) -> None:
    started = time.monotonic()
    result = replace(clients, user=user, password=password).freeipmi("bmc-info")
    assert result.returncode != 0
    assert words in result.stderr
    assert time.monotonic() - started < 5


def test_role_above_the_limit_is_named(clients: Clients, parts: MemoryBoard) -> None:
    guest = replace(clients, user="guest")
    power = guest.freeipmi("ipmipower", "--on")
    assert power.returncode != 0
    assert "privilege level cannot be obtained for this user" in power.stdout
    assert guest.freeipmi("bmc-info", "-l", "ADMIN").returncode != 0
    assert guest.freeipmi("ipmipower", "--stat", "-l", "USER").returncode == 0
    assert not parts.chassis.actions


@pytest.mark.parametrize("tool", ["bmc-info", "ipmi-sensors"])
def test_ipmi_15_is_refused_at_once(clients: Clients, tool: str) -> None:
    started = time.monotonic()
    result = clients.freeipmi(tool, driver="LAN")
    assert result.returncode != 0
    assert "authentication type" in result.stderr
    assert time.monotonic() - started < 5
