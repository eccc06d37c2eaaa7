# SPDX-License-Identifier: Apache-2.0
"""What a new user types after `make run`, with ipmitool and FreeIPMI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.profile.load import find_profile
from tests.clients.demo import start_demo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


@pytest.fixture
def host_on(demo: Demo) -> None:
    """The host is on and no operation is under way."""
    demo.pgood("sim", "host", "0", "normal")
    demo.pgood("power", "on", code=None)
    demo.until("on")


@pytest.mark.usefixtures("host_on")
def test_power_round(demo: Demo) -> None:
    for action, state in (("soft", "off"), ("on", "on"), ("cycle", "on"), ("off", "off")):
        before = len(demo.events())
        demo.ipmitool("chassis", "power", action)
        demo.until_told(f"host.{state}", before)
        demo.until(state)
        assert f"is {state}" in demo.ipmitool("chassis", "power", "status")


@pytest.mark.parametrize("suite", [3, 17])
@pytest.mark.usefixtures("host_on")
def test_stated_suites(demo: Demo, suite: int) -> None:
    assert "is on" in demo.ipmitool("chassis", "power", "status", suite=suite)
    demo.ipmitool("chassis", "power", "soft", suite=suite)
    demo.until("off")
    demo.ipmitool("chassis", "power", "on", suite=suite)
    demo.until("on")
    for words in (("mc", "info"), ("sdr",), ("sel", "list"), ("fru",)):
        demo.ipmitool(*words, suite=suite)


@pytest.mark.usefixtures("host_on")
def test_on_when_on_and_off_when_off_press_nothing(demo: Demo) -> None:
    before = len(demo.events())
    demo.ipmitool("chassis", "power", "on")
    assert _of_hosts(demo, before) == []
    demo.ipmitool("chassis", "power", "off")
    demo.until("off")
    before = len(demo.events())
    demo.ipmitool("chassis", "power", "off")
    demo.ipmitool("chassis", "power", "soft")
    assert _of_hosts(demo, before) == []


def _of_hosts(demo: Demo, before: int) -> list[str]:
    """Kinds of their events since then: what supplies and sensors tell may come at any time."""
    return [event["kind"] for event in demo.events()[before:] if event["kind"].startswith("host.")]


@pytest.mark.parametrize("action", ["cycle", "reset", "diag"])
@pytest.mark.usefixtures("host_on")
def test_an_off_host_cannot_be_reset(demo: Demo, action: str) -> None:
    demo.pgood("power", "force-off")
    assert "present state" in demo.ipmitool("chassis", "power", action, code=1)


@pytest.mark.usefixtures("host_on")
def test_another_action_while_one_runs_is_busy(demo: Demo) -> None:
    before = len(demo.events())
    demo.ipmitool("chassis", "power", "cycle")
    assert "Node busy" in demo.ipmitool("chassis", "power", "reset", code=1)
    demo.until_told("host.on", before)
    demo.until("on")
    assert _of_hosts(demo, before) == ["host.off", "host.on"]


@pytest.mark.usefixtures("host_on")
def test_reset_and_nmi_are_told(demo: Demo) -> None:
    before = len(demo.events())
    demo.ipmitool("chassis", "power", "reset")
    demo.until_told("host.reset", before)
    demo.ipmitool("chassis", "power", "diag")
    demo.until_told("host.nmi", before)
    assert _of_hosts(demo, before) == ["host.reset", "host.nmi"]


@pytest.mark.usefixtures("host_on")
def test_identity_sensors_log_inventory(demo: Demo) -> None:
    assert "IPMI Version              : 2.0" in demo.ipmitool("mc", "info")
    sdr = demo.ipmitool("sdr")
    for name in ("Inlet Temp", "CPU Temp", "PSU1 Input W", "PSU2 Output W", "Pwr Unit Redund"):
        assert name in sdr
    assert "| ns" not in sdr
    assert "Power Unit" in demo.until_logged("Power off/down | Deasserted")
    assert "Power Unit" in demo.ipmitool("sel", "list")
    assert "Simulated board" in demo.ipmitool("fru")
    assert "PSU1 Status" in demo.ipmitool("sdr", "elist")


@pytest.mark.parametrize(
    "words",
    [
        ("mc", "guid"),
        ("mc", "selftest"),
        ("chassis", "status"),
        ("chassis", "restart_cause"),
        ("chassis", "poh"),
        ("chassis", "identify", "1"),
        ("chassis", "policy", "list"),
        ("chassis", "policy", "previous"),
        ("chassis", "bootdev", "pxe"),
        ("chassis", "bootparam", "get", "5"),
        ("session", "info", "active"),
        ("channel", "info"),
        ("channel", "getciphers", "ipmi"),
        ("sensor", "list"),
        ("sensor", "get", "CPU Temp"),
        ("sdr", "info"),
        ("sel", "info"),
        ("sel", "time", "get"),
        ("fru", "print", "0"),
        ("lan", "print"),
        ("user", "list"),
    ],
)
def test_ipmitool_verbs_exit_zero(demo: Demo, words: tuple[str, ...]) -> None:
    demo.ipmitool(*words)


@pytest.mark.usefixtures("host_on")
def test_sel_clear_and_time(demo: Demo) -> None:
    demo.events()  # what was told of the host so far is in the log then
    assert "Clearing SEL" in demo.ipmitool("sel", "clear")
    assert "SEL has no entries" in demo.ipmitool("sel", "list")
    demo.ipmitool("chassis", "power", "off")
    demo.until("off")
    demo.until_logged("Power off/down")


@pytest.mark.usefixtures("host_on")
def test_freeipmi(demo: Demo) -> None:
    assert ": on" in demo.freeipmi("ipmipower", "--stat")
    assert "IPMI Version" in demo.freeipmi("bmc-info")
    sensors = demo.freeipmi("ipmi-sensors")
    assert "CPU Temp" in sensors
    assert "PSU2 Status" in sensors
    assert "Power Unit" in demo.freeipmi("ipmi-sel")
    demo.freeipmi("ipmipower", "--off", "--wait-until-off")
    assert ": off" in demo.freeipmi("ipmipower", "--stat")
    demo.freeipmi("ipmipower", "--on", "--wait-until-on")
    assert ": on" in demo.freeipmi("ipmipower", "--stat")
    demo.freeipmi("ipmipower", "--reset")
    demo.freeipmi("ipmi-chassis", "--get-chassis-status")
    demo.freeipmi("ipmi-fru")


def test_wrong_password_and_unknown_user_are_refused(demo: Demo) -> None:
    ipmi = demo.ready["ipmi"]
    good = ipmi["password"]
    try:
        ipmi["password"] = "not-the-password"
        assert "Unable to establish" in demo.ipmitool("mc", "info", code=1)
        ipmi["user"] = "nobody"
        assert "Unable to establish" in demo.ipmitool("mc", "info", code=1)
    finally:
        ipmi.update(user="admin", password=good)
    demo.ipmitool("mc", "info")


def test_other_suites_are_refused(demo: Demo) -> None:
    for suite in (0, 1, 2, 8, 12):
        demo.ipmitool("mc", "info", suite=suite, code=1)


def test_who_is_told_that_the_demo_is_ready_may_switch_it_on(tmp_path: Path) -> None:
    """Also where it takes a while until power-good is known."""
    slow = tmp_path / "slow.toml"
    slow.write_text(find_profile("sim").read_text().replace("fall_ms = 20", "fall_ms = 2000"))
    board = start_demo(tmp_path / "state", "--profile", str(slow))
    try:
        board.ipmitool("chassis", "power", "on")
        board.until("on")
    finally:
        board.stop()
