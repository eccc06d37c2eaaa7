# SPDX-License-Identifier: Apache-2.0
"""Coordinators have different names without being told."""

from __future__ import annotations

from pathlib import Path

from agent.fleet.program.coordinator_name import coordinator_name

HERE = Path("/var/lib/pgood/coordinator")


def test_machines_of_one_host_name_and_directories_of_one_machine_are_told_apart() -> None:
    names = [
        coordinator_name("raspberrypi", "a" * 32, HERE),
        coordinator_name("raspberrypi", "b" * 32, HERE),
        coordinator_name("raspberrypi", "a" * 32, HERE / "other"),
        coordinator_name("raspberrypi.example", "a" * 32, HERE),
    ]
    assert len(set(names)) == len(names)
    assert names[0] == coordinator_name("raspberrypi", "a" * 32, HERE), "the same after a restart"


def test_any_host_name_is_a_usable_one() -> None:
    assert coordinator_name("bäd." + "x" * 99, "", HERE).startswith("b-d-")
    assert set("/+#") & set(coordinator_name("a/+#", "", HERE)) == set()
