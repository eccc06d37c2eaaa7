# SPDX-License-Identifier: Apache-2.0
"""A week of the caps through the real powercap actuator, on a made-up tree with two processor packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.actuators.held import Held
from agent.energy.actuators.interface import Answer
from agent.energy.actuators.powercap import Powercap
from agent.energy.restore_file import RestoreFile
from tests.agent.energy.sysfs_tree import UW, FakeKernel, SysfsTree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CPU_SHARE = 0.6
PACKAGE_W = 75.0
LONG = "constraint_0_power_limit_uw"


def wrong_limits(folder: Path, caps_w: Sequence[float]) -> tuple[int, bool]:
    """How many caps were not in force as decided, and whether everything was given back at the end."""
    tree = SysfsTree(folder / "sys")
    tree.control_type()
    packages = [tree.package(number, limit_w=PACKAGE_W, max_w=PACKAGE_W) for number in range(2)]
    before = tree.everything()
    held = Held(Powercap(FakeKernel(tree.root), CPU_SHARE), RestoreFile(folder / "restore.json", boot="bench"))
    wrong = 0
    for cap_w in caps_w:
        applied = held.apply(cap_w)
        in_force_uw = sum(tree.number(f"{package}/{LONG}") for package in packages)
        wrong += applied.answer is not Answer.DONE or abs(in_force_uw - cap_w * CPU_SHARE * UW) > len(packages)
    held.close()
    return wrong, tree.everything() == before
