# SPDX-License-Identifier: Apache-2.0
"""docs/provisioning.md: every command line of it, against a running demo, as the user that it names."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.clients.demo import Demo

pytestmark = pytest.mark.client

PAGE = Path(__file__).resolve().parents[2] / "docs/provisioning.md"
CLIENTS = ("ipmitool", "ipmipower", "ipmi-chassis-config")
ADDRESS, USER = "192.0.2.10", "provision"
BOOT = """Section Chassis_Boot_Flags
        Boot_Flags_Persistent                         No
        Boot_Device                                   PXE
EndSection
"""
"""What MAAS writes into boot.cfg."""
SETTLED = ("on", "off")


def sections() -> dict[str, list[str]]:
    """The command lines of each section."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:].split(" ")[0]
        elif line.strip().startswith(CLIENTS) and line.startswith("    "):
            found.setdefault(section, []).append(line.strip())
    return found


def state(demo: Demo) -> str:
    return str(demo.status()["documents"]["host/0/state"]["state"])


def settled(demo: Demo) -> str:
    """The host's state, once nothing is under way any more."""
    until_s = time.monotonic() + 30
    while (found := state(demo)) not in SETTLED:
        assert time.monotonic() < until_s, found
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def user(demo: Demo) -> str:
    """Makes the page's user as the page says; returns its password."""
    shown = demo.pgood("user", "add", USER, "--privilege", "operator")
    return shown.split("password ")[1].split()[0]


@pytest.fixture
def files(tmp_path: Path, user: str) -> Path:
    (tmp_path / "boot.cfg").write_text(BOOT)
    (tmp_path / "password").write_text(user)
    return tmp_path


def run(demo: Demo, line: str, password: str, files: Path) -> str:
    ipmi = demo.ready["ipmi"]
    words = shlex.split(line)
    change = {"PASSWORD": password, "FILE": str(files / "password"), "boot.cfg": str(files / "boot.cfg")}
    if words[0] == "ipmitool":
        change[ADDRESS] = ipmi["host"]
        words[1:1] = ["-p", str(ipmi["port"])]
    else:
        change[ADDRESS] = f"{ipmi['host']}:{ipmi['port']}"
    done = demo.run([change.get(word, word) for word in words])
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


def test_every_tool_has_its_command_lines() -> None:
    assert {section: len(lines) for section, lines in sections().items()} == {"Foreman": 7, "MAAS": 5, "ironic": 10}


@pytest.mark.parametrize("tool", ["MAAS", "ironic"])
def test_an_operator_is_enough(demo: Demo, user: str, files: Path, tool: str) -> None:
    for line in sections()[tool]:
        settled(demo)
        run(demo, line, user, files)
    assert settled(demo) == "off"


def test_foreman_needs_an_administrator(demo: Demo, user: str, files: Path) -> None:
    first, *_ = lines = sections()["Foreman"]
    with pytest.raises(AssertionError, match="Unable to establish IPMI v2"):
        run(demo, first, user, files)
    demo.pgood("user", "priv", USER, "administrator")
    try:
        for line in lines:
            settled(demo)
            run(demo, line, user, files)
        settled(demo)
    finally:
        demo.pgood("user", "priv", USER, "operator")


def test_maas_finds_what_it_looks_for(demo: Demo, user: str, files: Path) -> None:
    """It reads `on` or `off` after a colon, and these words of errors."""
    (stat,) = [line for line in sections()["MAAS"] if line.endswith("--stat")]
    assert run(demo, stat, user, files).split(":")[-1].strip() in SETTLED
    errors = {
        stat.replace("PASSWORD", "wrong"): "password invalid",
        stat.replace("LAN_2_0", "LAN"): "authentication type unavailable for attempted privilege level",
        stat.replace("-I 17", "-I 8"): "cipher suite id unavailable",
        stat.replace("OPERATOR", "ADMIN"): "privilege level cannot be obtained for this user",
    }
    ipmi = demo.ready["ipmi"]
    for line, words in errors.items():
        there = line.replace(ADDRESS, f"{ipmi['host']}:{ipmi['port']}").replace("PASSWORD", user)
        done = demo.run(shlex.split(there))
        assert words in done.stdout + done.stderr, (line, done)
        assert f"`{words}`" in PAGE.read_text(encoding="utf-8")
