# SPDX-License-Identifier: Apache-2.0
"""ipmitool's verbs beyond power, against a running agent: what they print, and what they leave behind."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.demo import Demo

pytestmark = pytest.mark.client


@pytest.fixture(scope="module", autouse=True)
def _supplies_are_read(demo: Demo) -> None:
    """Their inventories are not there before the first rounds on the bus."""
    deadline = time.monotonic() + PATIENCE_S
    while demo.status()["documents"]["psu/2/state"]["serial"] != "SIM0002":
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("mc", "getenables"), "Event Logging"),
        (("mc", "watchdog", "get"), "Stopped"),
        (("mc", "watchdog", "off"), "stopped"),
        (("mc", "getsysinfo", "system_name"), "-"),
        (("sdr", "elist", "all"), "Event-Only"),
        (("sdr", "list", "fru"), "PSU1 FRU"),
        (("sdr", "list", "mcloc"), "Dynamic MC"),
        (("sdr", "type", "Temperature"), "CPU Temp"),
        (("sdr", "entity", "3.1"), "CPU Temp"),
        (("sdr", "get", "CPU Temp"), "Readable Thresholds"),
        (("sensor", "reading", "CPU Temp"), "CPU Temp"),
        (("fru", "list"), "CRPS-SIM-550"),
        (("channel", "getaccess", "1"), "Enable Status"),
        (("channel", "getaccess", "1", "2"), "ADMINISTRATOR"),
        (("channel", "authcap", "1", "4"), "IPMI v2.0"),
        (("channel", "getciphers", "sol"), "aes_cbc_128"),
        (("session", "info", "all"), "IPMIv2/RMCP+"),
        (("user", "summary", "1"), "15"),
        (("sol", "info"), "Force Encryption                : true"),
        (("sol", "payload", "status", "1", "2"), "is enabled"),
        (("dcmi", "discover"), "Power management available"),
        (("dcmi", "sensors"), "Inlet Temp"),
        (("dcmi", "get_temp_reading"), "Inlet air temperature"),
        (("dcmi", "get_mc_id_string"), "-"),
        (("dcmi", "power", "reading"), "activated"),
        (("dcmi", "power", "get_limit"), "No Active Power Limit"),
        (("pef", "info"), "0x51"),
        (("pef", "status"), "| 0x"),
        (("chassis", "identify", "0"), "off"),
        (("chassis", "identify", "force"), "indefinite"),
        (("chassis", "restart_cause"), "cause"),
        (("lan", "print", "1"), "127.0.0.1"),
        (("raw", "0x06", "0x01"), "20 01"),
        (("bmc", "info"), "Chassis Device"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_verb(demo: Demo, words: tuple[str, ...], shown: str) -> None:
    assert shown in demo.ipmitool(*words)


def test_texts_that_are_set_are_read_back(demo: Demo) -> None:
    demo.ipmitool("mc", "setsysinfo", "os_name", "Debian GNU/Linux")
    assert "Debian GNU/Linux" in demo.ipmitool("mc", "getsysinfo", "os_name")
    demo.ipmitool("dcmi", "set_asset_tag", "rack-9")
    assert "rack-9" in demo.ipmitool("dcmi", "asset_tag")
    demo.ipmitool("dcmi", "set_mc_id_string", "node-7")
    assert "node-7" in demo.ipmitool("dcmi", "get_mc_id_string")


def test_fru_is_read_edited_and_written(demo: Demo, tmp_path: Path) -> None:
    """Field 5 of the product area is the asset tag; a longer text makes ipmitool rebuild the whole image, and exit
    with 1 although all went well."""
    image = tmp_path / "fru.bin"
    demo.ipmitool("fru", "read", "0", str(image))
    assert image.stat().st_size == 512
    told = demo.ipmitool("fru", "edit", "0", "field", "p", "5", "a-long-asset-tag-of-the-lab", code=None)
    assert told.endswith("Done.\n"), told
    assert "a-long-asset-tag-of-the-lab" in demo.ipmitool("fru", "print", "0")
    demo.ipmitool("fru", "write", "0", str(image))
    assert "a-long-asset-tag-of-the-lab" not in demo.ipmitool("fru", "print", "0")


def test_fru_areas_of_chassis_and_board_are_edited(demo: Demo) -> None:
    """A text of another length makes ipmitool rebuild the image, and exit with 1 although all went well."""
    for area, field, text, shown in (
        ("c", "0", "CH-4711", "Chassis Part Number"),
        ("b", "2", "B-1234567", "Board Serial"),
        ("p", "1", "Big iron", "Product Name"),
    ):
        demo.ipmitool("fru", "edit", "0", "field", area, field, text, code=None)
        printed = demo.ipmitool("fru", "print", "0")
        line = next(line for line in printed.splitlines() if line.strip().startswith(shown))
        assert line.endswith(text), printed
    assert "checksum" not in printed.lower()


def test_power_limit_is_set_put_in_force_and_lifted(demo: Demo) -> None:
    assert "No Active Power Limit" in demo.ipmitool("dcmi", "power", "get_limit")
    demo.ipmitool("dcmi", "power", "set_limit", "limit", "640")
    demo.ipmitool("dcmi", "power", "set_limit", "correction", "5000")
    demo.ipmitool("dcmi", "power", "activate")
    shown = demo.ipmitool("dcmi", "power", "get_limit")
    assert "Power Limit Active" in shown
    assert re.search(r"Power Limit: +640 +Watts", shown)
    assert re.search(r"Correction time: +5000 +milliseconds", shown)
    assert demo.status()["documents"]["redundancy/state"]["power_limit_w"] == 640
    demo.ipmitool("dcmi", "power", "deactivate")
    assert "No Active Power Limit" in demo.ipmitool("dcmi", "power", "get_limit")
    assert demo.status()["documents"]["redundancy/state"]["power_limit_w"] is None


def test_sensor_limits_are_set_and_tell(demo: Demo) -> None:
    """The CPU of the simulated host reads about 23 degrees: a warning limit of 20 is crossed at once."""
    demo.ipmitool("sensor", "thresh", "CPU Temp", "unc", "20")
    assert "Threshold 20 degrees" in demo.until_logged("Upper Non-critical going high")
    assert "unc+" in demo.ipmitool("sensor", "get", "CPU Temp").partition("Assertion Events")[2]
    assert "sensor.upper_warning" in {event["kind"] for event in demo.events()}
    demo.ipmitool("sensor", "thresh", "CPU Temp", "unc", "85")
    demo.until_logged("Upper Non-critical going high | Deasserted")


def test_events_are_sent_deleted_and_timed(demo: Demo) -> None:
    demo.ipmitool("event", "2")
    log = demo.ipmitool("sel", "elist")
    assert "Voltage #0x60" in log
    first = log.split("|")[0].strip()
    assert "SEL Record ID" in demo.ipmitool("sel", "get", f"0x{first}")
    demo.ipmitool("sel", "delete", f"0x{first}")
    assert demo.ipmitool("sel", "elist").split("|")[0].strip() != first
    demo.ipmitool("sel", "time", "set", "01/02/30 03:04:05")
    assert "01/02/30" in demo.ipmitool("sel", "time", "get")
    demo.ipmitool("sel", "time", "set", "now")


def test_the_watchdog_resets_the_host(demo: Demo) -> None:
    demo.pgood("power", "on")
    demo.ipmitool("raw", "0x06", "0x24", "0x04", "0x01", "0", "0", "5", "0")
    demo.ipmitool("mc", "watchdog", "reset")
    demo.until_told("host.reset")
    demo.until_logged("Watchdog2")
    assert "watchdog" in demo.ipmitool("chassis", "restart_cause").lower()
    assert demo.powered()


def test_a_reset_of_the_controller_leaves_the_host_alone(demo: Demo) -> None:
    demo.pgood("power", "on")
    before = len(demo.events())
    assert "cold reset" in demo.ipmitool("mc", "reset", "cold").lower()
    demo.ipmitool("mc", "reset", "warm")
    assert demo.powered()
    told = [event["kind"] for event in demo.events()[before:]]
    assert not [kind for kind in told if not kind.startswith(("psu.", "redundancy.", "sensor."))]


def test_users_over_ipmi(demo: Demo) -> None:
    demo.ipmitool("user", "set", "name", "6", "carol")
    demo.ipmitool("user", "set", "password", "6", "a-password-of-20-chr", "20")
    demo.ipmitool("user", "priv", "6", "3", "1")
    demo.ipmitool("channel", "setaccess", "1", "6", "ipmi=on", "privilege=3")
    demo.ipmitool("user", "enable", "6")
    assert "Success" in demo.ipmitool("user", "test", "6", "20", "a-password-of-20-chr")
    assert "incorrect" in demo.ipmitool("user", "test", "6", "20", "not-the-password-20c", code=None)
    assert "OPERATOR" in next(line for line in demo.ipmitool("user", "list", "1").splitlines() if "carol" in line)
    carol = demo.as_user("carol", "a-password-of-20-chr")
    assert "Device ID" in carol.ipmitool("-L", "OPERATOR", "mc", "info")
    assert "Unable to establish" in carol.ipmitool("mc", "info", code=1), "administrator is above the limit"
    demo.ipmitool("user", "disable", "6")
    carol.ipmitool("-L", "OPERATOR", "mc", "info", code=1)
    assert "a-password-of-20-chr" not in demo.pgood("user", "list", "--json")


def test_lan_set_is_refused(demo: Demo) -> None:
    demo.ipmitool("lan", "set", "1", "ipsrc", "static", code=1)
