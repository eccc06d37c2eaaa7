# SPDX-License-Identifier: Apache-2.0
"""Who else turns the same knobs is found, and only who does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.energy.rivals import rivals, told
from agent.energy.sysfs import Sysfs
from tests.agent.energy.sysfs_tree import SysfsTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    tree = SysfsTree(tmp_path)
    tree.process(1, "systemd", "/sbin/init")
    tree.process(77, "python3", "/usr/bin/python3", "-m", "agent", "tuned")
    tree.process(78, "vim", "vim", "/etc/tuned")
    return tree


def names(tree: SysfsTree, actuator: str) -> list[str]:
    return [rival.name for rival in rivals(Sysfs(tree.root), actuator)]


def test_a_quiet_system_has_none(tree: SysfsTree) -> None:
    assert names(tree, "cpufreq") == names(tree, "powercap") == []


@pytest.mark.parametrize(
    ("command", "arguments", "name", "powercap", "cpufreq"),
    [
        ("thermald", ("/usr/sbin/thermald", "--systemd"), "thermald", True, True),
        ("tuned", ("/usr/bin/python3", "/usr/sbin/tuned"), "tuned", False, True),
        ("python3", ("/usr/bin/python3", "-Es", "/usr/sbin/tuned", "-l", "-P"), "tuned", False, True),
        ("power-profiles-daemon", ("/usr/libexec/power-profiles-daemon",), "power-profiles-daemon", False, True),
        ("python3", ("python3", "/opt/throttled/throttled.py"), "throttled", True, False),
    ],
)
def test_daemons_are_found_by_what_they_turn(
    tree: SysfsTree, command: str, arguments: tuple[str, ...], name: str, powercap: bool, cpufreq: bool
) -> None:
    tree.process(900, command, *arguments)
    assert names(tree, "powercap") == [name] * powercap
    assert names(tree, "cpufreq") == [name] * cpufreq
    assert names(tree, "dcmi") == []
    found = rivals(Sysfs(tree.root), "cpufreq" if cpufreq else "powercap")
    said = told(found, "cpufreq")
    assert f"{name} (process 900)" in said
    assert found[0].cure in said


def test_tlp_leaves_a_mark_and_no_process(tree: SysfsTree) -> None:
    tree.write("run/tlp/last_pwr", "0")
    assert names(tree, "powercap") == names(tree, "cpufreq") == ["TLP"]
    assert "TLP sets what" in told(rivals(Sysfs(tree.root), "cpufreq"), "cpufreq")


def test_a_process_that_ends_meanwhile_is_none(tree: SysfsTree) -> None:
    (tree.root / "proc/4711").mkdir()
    assert names(tree, "cpufreq") == []
