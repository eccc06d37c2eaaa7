# SPDX-License-Identifier: Apache-2.0
"""ipmitool against the server on a real socket."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipmi.board import ChassisAction, RestorePolicy

if TYPE_CHECKING:
    from .clients import Clients
    from .memory_board import MemoryBoard
    from .serve import Served

SUITES = [("-C", "3"), ("-C", "17"), ()]


def ok(clients: Clients, *arguments: str) -> str:
    """Output of a run that must succeed without a word on stderr."""
    result = clients.ipmitool(*arguments)
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    return result.stdout


@pytest.mark.parametrize("suite", SUITES, ids=["3", "17", "none"])
def test_power(clients: Clients, parts: MemoryBoard, suite: tuple[str, ...]) -> None:
    assert "is off" in ok(clients, *suite, "chassis", "power", "status")
    assert "Up/On" in ok(clients, *suite, "chassis", "power", "on")
    assert "is on" in ok(clients, *suite, "chassis", "power", "status")
    for word in ("cycle", "reset", "diag", "soft"):
        parts.chassis.power_on = True
        ok(clients, *suite, "chassis", "power", word)
    ok(clients, *suite, "chassis", "power", "off")
    assert [action for action, _ in parts.chassis.actions] == [
        ChassisAction.ON,
        ChassisAction.CYCLE,
        ChassisAction.RESET,
        ChassisAction.NMI,
        ChassisAction.SOFT_OFF,
        ChassisAction.FORCE_OFF,
    ]
    assert all(origin == "ipmi:admin@127.0.0.1" for _, origin in parts.chassis.actions)


def test_refusals_are_named(clients: Clients, parts: MemoryBoard) -> None:
    cycle = clients.ipmitool("chassis", "power", "cycle")
    assert cycle.returncode != 0
    assert "not supported in present state" in cycle.stderr
    parts.chassis.busy = True
    busy = clients.ipmitool("chassis", "power", "on")
    assert busy.returncode != 0
    assert "Node busy" in busy.stderr
    assert not parts.chassis.actions


def test_identity(clients: Clients) -> None:
    info = ok(clients, "mc", "info")
    assert "IPMI Version              : 2.0" in info
    assert "Device Available          : yes" in info
    assert "SDR Repository Device" in info
    assert "1a1b1c1d1e1f" in ok(clients, "mc", "guid")
    assert "passed" in ok(clients, "mc", "selftest")


def test_chassis(clients: Clients, parts: MemoryBoard) -> None:
    assert "always-off" in ok(clients, "chassis", "status")
    ok(clients, "chassis", "policy", "previous")
    assert parts.chassis.policy is RestorePolicy.PREVIOUS
    assert "previous" in ok(clients, "chassis", "status")
    assert "51 days, 10 hours" in ok(clients, "chassis", "poh")
    assert "unknown" in ok(clients, "chassis", "restart_cause")
    ok(clients, "chassis", "identify", "30")
    ok(clients, "chassis", "identify", "force")
    assert parts.chassis.identified == [30, None]


@pytest.mark.parametrize(
    ("arguments", "stored", "shown"),
    [
        (("pxe",), "8004000000", "Force PXE"),
        (("disk",), "8008000000", "Force Boot from default Hard-Drive"),
        (("bios", "options=persistent"), "c018000000", "Force Boot into BIOS Setup"),
        (("pxe", "options=efiboot"), "a004000000", "BIOS EFI boot"),
        (("cdrom", "options=persistent,efiboot"), "e014000000", "Force Boot from CD/DVD"),
    ],
)
def test_boot_device(clients: Clients, parts: MemoryBoard, arguments: tuple[str, ...], stored: str, shown: str) -> None:
    ok(clients, "chassis", "bootdev", *arguments)
    assert parts.boot_options.parameters[5].hex() == stored
    assert shown in ok(clients, "chassis", "bootparam", "get", "5")


def test_ironic(clients: Clients, parts: MemoryBoard) -> None:
    """The command lines of its ipmitool driver: -N and -R, raw boot options, power, read-back."""
    pace = ("-R", "3", "-N", "5")
    ok(clients, *pace, "raw", "0x00", "0x08", "0x03", "0x08")
    ok(clients, *pace, "raw", "0x00", "0x08", "0x05", "0xe0", "0x04", "0x00", "0x00", "0x00")
    shown = ok(clients, *pace, "chassis", "bootparam", "get", "5")
    assert "Boot Flag Valid" in shown
    assert "Options apply to all future boots" in shown
    assert "Force PXE" in shown
    ok(clients, *pace, "power", "on")
    assert ok(clients, *pace, "power", "status").strip() == "Chassis Power is on"
    ok(clients, *pace, "power", "reset")
    ok(clients, *pace, "power", "soft")
    assert ok(clients, *pace, "power", "status").strip() == "Chassis Power is off"
    assert "Sensor ID              : Inlet Temp (0x1)" in clients.ipmitool(*pace, "-v", "sdr").stdout


def test_a_suite_that_is_refused_is_reported_in_the_words_that_ironic_looks_for(clients: Clients) -> None:
    result = clients.ipmitool("-C", "8", "mc", "info")
    assert result.returncode != 0
    assert "no matching cipher suite" in result.stderr


def test_sensors(clients: Clients) -> None:
    listed = ok(clients, "sdr")
    assert "Inlet Temp       | 24 degrees C      | ok" in listed
    assert "P12V             | 12.06 Volts       | ok" in listed
    assert "PSU1 Fan         | 9800 RPM          | ok" in listed
    assert "PSU2 Iout        | no reading        | ns" in listed
    assert len(listed.splitlines()) == 8
    table = ok(clients, "sensor", "list")
    assert "| 40.000    | 45.000    | 50.000" in table
    detail = ok(clients, "sensor", "get", "Inlet Temp")
    assert "Upper Critical        : 45.000" in detail
    assert "Presence detected" in ok(clients, "sdr", "elist")
    assert "Fully Redundant" in ok(clients, "sdr", "elist")


def test_event_log(clients: Clients, parts: MemoryBoard) -> None:
    assert "SEL has no entries" in clients.ipmitool("sel", "list").stderr
    ok(
        clients, "raw", "0x0a", "0x44", "0", "0", "2", "0", "0", "0", "0", "0x20", "0", "4", "9", "17", "0x0b", "1",
        "0xff", "0xff",
    )  # fmt: skip
    assert "Redundancy Lost" in ok(clients, "sel", "list")
    assert "PSU Redundancy" in ok(clients, "sel", "elist")
    assert "Entries          : 1" in ok(clients, "sel", "info")
    ok(clients, "sel", "clear")
    assert parts.event_log.clears == 1
    assert "SEL has no entries" in clients.ipmitool("sel", "list").stderr
    ok(clients, "sel", "time", "get")


def test_inventory(clients: Clients) -> None:
    shown = ok(clients, "fru", "print")
    for text in ("MB-1", "Memory board", "B0001", "Memory machine", "rack 7", "Rack Mount Chassis"):
        assert text in shown


def test_lan_users_channel_sessions(clients: Clients) -> None:
    lan = ok(clients, "lan", "print", "1")
    assert "192.0.2.17" in lan
    assert "02:00:c0:00:02:11" in lan
    assert "RMCP+ Cipher Suites     : 17,3" in lan
    users = ok(clients, "user", "list", "1")
    assert "2   admin            true    false      true       ADMINISTRATOR" in users
    assert "4   guest            true    false      true       USER" in users
    assert "802.3 LAN" in ok(clients, "channel", "info", "1")
    assert "127.0.0.1" in ok(clients, "session", "info", "active")


def test_cold_redundancy(clients: Clients) -> None:
    assert ok(clients, "raw", "0x30", "0x2e", "0x01").split() == ["01", "01"]
    assert ok(clients, "raw", "0x30", "0x2d", "0x02", "0x00").split() == ["00"]
    assert ok(clients, "raw", "0x30", "0x2e", "0x02").split() == ["02", "00"]
    assert ok(clients, "raw", "0x30", "0x2d", "0x03", "0x01", "0x02", "0x01").split() == ["00"]
    assert ok(clients, "raw", "0x30", "0x2e", "0x03").split() == ["03", "01", "02", "01"]
    assert ok(clients, "raw", "0x30", "0x2d", "0x04", "0x80", "0x51", "0x01", "0x00").split() == ["00"]
    assert "rsp=0xc7" in clients.ipmitool("raw", "0x30", "0x2d", "0x03", "0x01", "0x01").stderr
    assert "rsp=0xcc" in clients.ipmitool("raw", "0x30", "0x2d", "0x02", "0x02").stderr
    assert "rsp=0x80" in clients.ipmitool("raw", "0x30", "0x2d", "0x05", "0x02").stderr


@pytest.mark.parametrize("level", ["USER", "OPERATOR"])
def test_lower_levels_see_no_error_of_extension_probes(clients: Clients, level: str) -> None:
    """2C/3E answered with D4h would make ipmitool complain about HPM.x on every call."""
    assert "is off" in ok(clients, "-L", level, "chassis", "power", "status")


def test_user_level_may_not_switch(clients: Clients, parts: MemoryBoard) -> None:
    result = clients.ipmitool("-L", "USER", "chassis", "power", "on")
    assert result.returncode != 0
    assert not parts.chassis.actions


def test_a_login_above_the_limit_of_the_user(clients: Clients, parts: MemoryBoard) -> None:
    result = replace(clients, user="oper").ipmitool("-R", "1", "chassis", "power", "on")
    assert result.returncode != 0
    assert not parts.chassis.actions
    ok(replace(clients, user="oper"), "-L", "OPERATOR", "chassis", "power", "on")
    assert parts.chassis.power_on


@pytest.mark.parametrize(("user", "password"), [("admin", "wrong"), ("nobody", "wrong"), ("", "")])
def test_no_way_in(clients: Clients, user: str, password: str) -> None:
    result = replace(clients, user=user, password=password).ipmitool("-N", "1", "-R", "1", "mc", "info")
    assert result.returncode != 0
    assert "Unable to establish IPMI v2 / RMCP+ session" in result.stderr


def test_ipmi_15_is_refused_at_once(clients: Clients) -> None:
    started = time.monotonic()
    result = clients.ipmitool("mc", "info", interface="lan")
    assert result.returncode != 0
    assert "Authentication type NONE not supported" in result.stderr
    assert time.monotonic() - started < 5


def test_twenty_at_once(clients: Clients, served: Served) -> None:
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: clients.ipmitool("mc", "info"), range(20)))
    assert [result.returncode for result in results] == [0] * 20
    assert served.counters().logins == 20
    assert served.counters().sessions == 0
