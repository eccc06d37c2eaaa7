# SPDX-License-Identifier: Apache-2.0
"""FreeIPMI's tools against a running agent."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("bmc-info", "--get-device-id"), "SEL Device            : supported"),
        (("bmc-info", "--get-device-guid"), "-"),
        (("bmc-info", "--get-channel-info"), "802.3 LAN"),
        (("ipmi-chassis", "--get-chassis-capabilities"), "Diagnostic Interrupt"),
        (("ipmi-chassis", "--get-system-restart-cause"), "estart"),
        (("ipmi-chassis", "--get-power-on-hours-counter"), "0"),
        (("ipmi-dcmi", "--get-dcmi-capability-info"), "Available"),
        (("ipmi-dcmi", "--get-enhanced-system-power-statistics"), "1 Hours"),
        (("ipmi-dcmi", "--get-dcmi-sensor-info"), "Inlet Temperature"),
        (("ipmi-dcmi", "--get-management-controller-identifier-string"), "-"),
        (("ipmi-sensors", "--output-sensor-thresholds"), "95.00"),
        (("ipmi-sensors", "--output-sensor-state"), "Nominal"),
        (("ipmi-sensors", "--non-abbreviated-units"), "degrees C"),
        (("ipmi-sel", "--info"), "Delete SEL Command                     : supported"),
        (("ipmi-fru",), "Simulated board"),
        (("ipmi-raw", "0", "0x06", "0x01"), "rcvd: 01 00 20"),
        (("bmc-device", "--get-self-test-results"), "No Error"),
        (("bmc-device", "--get-acpi-power-state"), "S5"),
        (("bmc-device", "--get-sel-time"), "20"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_tool(demo: Demo, words: tuple[str, ...], shown: str) -> None:
    assert shown in demo.freeipmi(*words)


def test_power_statistics(demo: Demo) -> None:
    """The first samples come a second after the start."""
    deadline = time.monotonic() + PATIENCE_S
    while "Active" not in (shown := demo.freeipmi("ipmi-dcmi", "--get-system-power-statistics")):
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    assert not re.search(r"Current Power +: 0 Watts", shown)


@pytest.mark.parametrize("category", ["core", "chassis", "sensors", "dcmi"])
def test_checkout(demo: Demo, category: str) -> None:
    """Every section that FreeIPMI asks for is read; what this controller does not have is left out by it."""
    text = demo.freeipmi("ipmi-config", "--checkout", f"--category={category}", code=None)
    assert text.count("EndSection") >= 2 or category == "dcmi"
    assert "FATAL" not in text
    assert "timeout" not in text
    if category == "core":
        assert re.search(r"Username\s+admin", text)
        assert re.search(r"Lan_Privilege_Limit\s+Administrator", text)
        assert re.search(r"IP_Address\s+127\.0\.0\.1", text)


def test_commit_of_a_user(demo: Demo) -> None:
    """Key pairs are committed one by one in one session."""
    pairs = ("User5:Username=dave", "User5:Password=a-good-password", "User5:Lan_Privilege_Limit=User")
    for pair in (*pairs, "User5:Lan_Enable_IPMI_Msgs=Yes", "User5:Enable_User=Yes"):
        demo.freeipmi("ipmi-config", "--commit", "--category=core", f"--key-pair={pair}")
    dave = demo.as_user("dave", "a-good-password")
    assert ": off" in dave.freeipmi("ipmipower", "--stat", "-l", "USER")


def patient(demo: Demo, *words: str) -> None:
    """Again while another press has not ended: `BMC busy`."""
    deadline = time.monotonic() + PATIENCE_S
    while "busy" in (shown := demo.freeipmi("ipmipower", *words, code=None)).lower():
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)


def test_power_words(demo: Demo) -> None:
    demo.freeipmi("ipmipower", "--on", "--wait-until-on")
    assert ": on" in demo.freeipmi("ipmipower", "--stat")
    seen = len(demo.events())
    demo.freeipmi("ipmipower", "--cycle", "--on-if-off")
    told = demo.until_told("host.on", seen)
    assert [event["kind"] for event in told if event["kind"].startswith("host.")] == ["host.off", "host.on"]
    demo.until("on")
    patient(demo, "--soft")
    demo.until("off")
    assert ": off" in demo.freeipmi("ipmipower", "--stat")
    demo.freeipmi("ipmi-chassis", "--chassis-identify=1")
    demo.freeipmi("ipmi-sel", "--clear")


def test_a_1_5_client_is_refused_at_once(demo: Demo) -> None:
    """By default its tools speak IPMI 1.5: they must say why, and not after twenty seconds without an answer."""
    ipmi = demo.ready["ipmi"]
    where = ["-h", f"{ipmi['host']}:{ipmi['port']}", "-u", ipmi["user"], "-p", ipmi["password"]]
    text = demo.client(["bmc-info", "-D", "LAN", *where], code=1, within_s=15)
    assert "authentication type unavailable" in text
