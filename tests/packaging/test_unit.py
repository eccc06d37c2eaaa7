# SPDX-License-Identifier: Apache-2.0
"""The systemd unit: what systemd itself says of it, and that it fits the agent's own words."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.cli.main import parser
from agent.cli.places import SYSTEM_RUNTIME, SYSTEM_SITE, SYSTEM_STATE
from agent.service.credentials import SECRETS

PACKAGING = Path(__file__).parents[2] / "packaging"
UNIT = PACKAGING / "pgood.service"
MOST_EXPOSURE = 2.5


def values(section: str, key: str) -> list[str]:
    """Every value of a key that may be given several times."""
    part = UNIT.read_text().partition(f"[{section}]")[2].partition("\n[")[0]
    return re.findall(rf"^{key}=(.*)$", part, re.MULTILINE)


def value(section: str, key: str) -> str:
    (only,) = values(section, key)
    return only


def test_exposure_as_systemd_sees_it() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here; on Debian it comes with the package systemd")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = re.search(r"Overall exposure level for pgood.service: ([0-9.]+)", told.stdout)
    assert found, told.stdout + told.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_systemd_knows_every_key() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here; on Debian it comes with the package systemd")
    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(UNIT)], capture_output=True, text=True, timeout=60
    )
    complaints = [line for line in told.stderr.splitlines() if "pgood.service" in line]
    assert [line for line in complaints if "/usr/bin/pgood is not executable" not in line] == []


def test_the_command_line_is_one_that_pgood_takes() -> None:
    program, *words = value("Service", "ExecStart").split()
    assert program == "/usr/bin/pgood"
    arguments = parser(words).parse_args(words)
    assert (arguments.config, arguments.state_dir) == (SYSTEM_SITE, SYSTEM_STATE)


def test_directories_are_those_that_the_command_line_looks_in() -> None:
    assert f"/var/lib/{value('Service', 'StateDirectory')}" == str(SYSTEM_STATE)
    assert f"/run/{value('Service', 'RuntimeDirectory')}" == str(SYSTEM_RUNTIME)
    assert f"/etc/{value('Service', 'ConfigurationDirectory')}" == str(SYSTEM_SITE.parent)
    assert value("Unit", "ConditionPathExists") == str(SYSTEM_SITE)
    assert value("Service", "LoadCredential") == f"{SECRETS}:{SYSTEM_SITE.parent}/secrets"


def test_the_guard_outlives_the_agent_and_lines_are_kept() -> None:
    assert value("Service", "KillMode") == "process"
    assert int(value("Service", "FileDescriptorStoreMax")) >= 128  # as many outputs as an engine takes


def test_real_time_is_allowed_and_nothing_else_is() -> None:
    engine, guard = 50, 60
    assert int(value("Service", "LimitRTPRIO")) >= max(engine, guard)
    assert values("Service", "RestrictRealtime") == []
    assert value("Service", "CapabilityBoundingSet") == "CAP_NET_BIND_SERVICE"
    assert value("Service", "AmbientCapabilities") == "CAP_NET_BIND_SERVICE"


def test_groups_are_those_of_the_udev_rules() -> None:
    rules = (PACKAGING / "pgood.udev").read_text()
    groups = set(re.findall(r'GROUP="(\w+)"', rules))
    assert groups == {"gpio", "i2c"}
    assert groups <= set(value("Service", "SupplementaryGroups").split())


def test_sections_are_whole() -> None:
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read(UNIT)
    assert reader.sections() == ["Unit", "Service", "Install"]
