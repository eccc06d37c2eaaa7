# SPDX-License-Identifier: Apache-2.0
"""RAPL limits over a fake tree: split by package, chosen by name, read back, given back."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from agent.energy.actuators.interface import Answer
from agent.energy.actuators.powercap import Powercap
from agent.energy.rapl import Domain
from tests.agent.energy.sysfs_tree import LOCKED, UW, FakeKernel, SysfsTree

if TYPE_CHECKING:
    from pathlib import Path

LONG, SHORT = "constraint_0_power_limit_uw", "constraint_1_power_limit_uw"


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    tree = SysfsTree(tmp_path / "sys")
    tree.control_type()
    return tree


@pytest.fixture
def kernel(tree: SysfsTree) -> FakeKernel:
    return FakeKernel(tree.root)


def test_two_packages_share_one_cap_and_nothing_else_is_touched(tree: SysfsTree, kernel: FakeKernel) -> None:
    first, second = tree.package(0), tree.package(1)
    tree.child(first, 0, "core")
    tree.child(first, 1, "dram")
    before = tree.everything()
    applied = Powercap(kernel).apply(40.0)
    assert (applied.answer, applied.in_force_w, applied.reason) == (Answer.DONE, 40.0, "")
    assert [tree.number(f"{package}/{LONG}") for package in (first, second)] == [20 * UW, 20 * UW]
    changed = {file for file, text in tree.everything().items() if before[file] != text}
    assert changed == {f"{first}/{LONG}", f"{second}/{LONG}"}


def test_unlike_packages_get_unlike_shares(tree: SysfsTree, kernel: FakeKernel) -> None:
    first, second = tree.package(0, max_w=90), tree.package(1, max_w=30)
    Powercap(kernel).apply(40.0)
    assert [tree.number(f"{package}/{LONG}") for package in (first, second)] == [30 * UW, 10 * UW]


def test_packages_that_do_not_all_tell_their_most_share_evenly(tree: SysfsTree, kernel: FakeKernel) -> None:
    first, second = tree.package(0, max_w=90), tree.package(1, max_w=None)
    actuator = Powercap(kernel)
    assert actuator.range_w() is None
    actuator.apply(40.0)
    assert [tree.number(f"{package}/{LONG}") for package in (first, second)] == [20 * UW, 20 * UW]


def test_packages_get_their_part_of_the_machines_power(tree: SysfsTree, kernel: FakeKernel) -> None:
    package = tree.package(0, max_w=65)
    tree.write(f"{package}/constraint_0_min_power_uw", 6_500_000)
    actuator = Powercap(kernel, cpu_share=0.65)
    assert actuator.range_w() == pytest.approx((10.0, 100.0))
    applied = actuator.apply(60.0)
    assert applied.in_force_w == pytest.approx(60.0)
    assert tree.number(f"{package}/{LONG}") == 39 * UW


def test_the_zone_is_found_by_name_and_the_limit_too(tree: SysfsTree, kernel: FakeKernel) -> None:
    tree.files("class/powercap/intel-rapl:0", {"name": "psys", "enabled": 1})
    package = tree.files(
        "class/powercap/intel-rapl:3",
        {
            "name": "package-0",
            "enabled": 1,
            "constraint_0_name": "peak_power",
            "constraint_0_power_limit_uw": 1,
            "constraint_1_name": "long_term",
            "constraint_1_power_limit_uw": 2,
        },
    )
    assert Powercap(kernel).apply(30.0).answer is Answer.DONE
    assert tree.number(f"{package}/constraint_0_power_limit_uw") == 1
    assert tree.number(f"{package}/constraint_1_power_limit_uw") == 30 * UW
    assert Powercap(kernel, domain=Domain.PSYS).apply(30.0).answer is Answer.ABSENT


def test_a_disabled_zone_is_enabled_and_given_back(tree: SysfsTree, kernel: FakeKernel) -> None:
    package = tree.package(0)
    tree.write(f"{package}/enabled", 0)
    before = tree.everything()
    actuator = Powercap(kernel)
    saved = actuator.save()
    assert actuator.apply(30.0).answer is Answer.DONE
    assert tree.number(f"{package}/enabled") == 1
    assert {answer.answer for answer in actuator.restore(saved)} == {Answer.DONE}
    assert tree.everything() == before
    assert kernel.written[-2:] == [(f"{package}/{LONG}", str(65 * UW)), (f"{package}/enabled", "0")]


def test_a_limit_that_does_nothing_while_disabled_is_no_limit(tree: SysfsTree, kernel: FakeKernel) -> None:
    package = tree.package(0)
    tree.write(f"{package}/enabled", 0)
    kernel.stubborn.add(f"{package}/enabled")
    applied = Powercap(kernel).apply(30.0)
    assert (applied.answer, applied.in_force_w) == (Answer.REFUSED, None)
    assert "package-0" in applied.reason


def test_absent_forbidden_and_refused_are_three_answers(tree: SysfsTree, kernel: FakeKernel) -> None:
    actuator = Powercap(kernel)
    absent = actuator.apply(30.0)
    assert (absent.answer, "no package zone" in absent.reason) == (Answer.ABSENT, True)
    file = f"{tree.package(0)}/{LONG}"
    kernel.not_opened[file] = errno.EACCES
    forbidden = actuator.apply(30.0)
    assert (forbidden.answer, "run pgood as root" in forbidden.reason) == (Answer.FORBIDDEN, True)
    assert str(tree.root / file) in forbidden.reason
    kernel.not_opened.clear()
    kernel.not_taken[file] = LOCKED
    refused = actuator.apply(30.0)
    assert (refused.answer, "firmware has locked it" in refused.reason) == (Answer.REFUSED, True)
    assert tree.number(file) == 65 * UW


def test_an_amd_processor_is_told_what_else_there_is(tree: SysfsTree, kernel: FakeKernel) -> None:
    tree.amd_package(0)
    applied = Powercap(kernel).apply(30.0)
    assert (applied.answer, "use the actuator cpufreq" in applied.reason) == (Answer.ABSENT, True)
    assert Powercap(kernel).save() == {}


def test_a_clamped_limit_is_told(tree: SysfsTree, kernel: FakeKernel) -> None:
    package = tree.package(0)
    kernel.clamped[f"{package}/{LONG}"] = (15 * UW, 45 * UW)
    applied = Powercap(kernel).apply(60.0)
    assert (applied.answer, applied.in_force_w) == (Answer.CLAMPED, 45.0)
    assert "45 W instead of 60 W" in applied.reason


def test_hardware_that_rounds_to_eighths_has_done_it(tree: SysfsTree, kernel: FakeKernel) -> None:
    package = tree.package(0)
    kernel.clamped[f"{package}/{LONG}"] = (21_625_000, 21_625_000)
    applied = Powercap(kernel).apply(21.72)
    assert (applied.answer, applied.in_force_w) == (Answer.DONE, 21.625)


def test_the_lower_limit_of_the_twins_is_in_force(tree: SysfsTree, kernel: FakeKernel) -> None:
    own = tree.package(0)
    twin = tree.package(0, limit_w=25, kind="intel-rapl-mmio")
    actuator = Powercap(kernel)
    applied = actuator.apply(40.0)
    assert (applied.answer, applied.in_force_w) == (Answer.CLAMPED, 25.0)
    assert tree.number(f"{own}/{LONG}") == 40 * UW
    assert tree.number(f"{twin}/{LONG}") == 25 * UW
    assert actuator.apply(20.0).answer is Answer.DONE


def test_the_twin_is_written_where_the_processors_own_is_locked(tree: SysfsTree, kernel: FakeKernel) -> None:
    own, twin = tree.package(0), tree.package(0, kind="intel-rapl-mmio")
    kernel.not_taken[f"{own}/{LONG}"] = LOCKED
    actuator = Powercap(kernel)
    saved = actuator.save()
    applied = actuator.apply(40.0)
    assert (applied.answer, applied.in_force_w) == (Answer.DONE, 40.0)
    assert tree.number(f"{twin}/{LONG}") == 40 * UW
    assert {answer.answer for answer in actuator.restore(saved)} == {Answer.DONE}
    assert tree.number(f"{twin}/{LONG}") == 65 * UW


def test_what_cannot_be_read_is_not_written(tree: SysfsTree, kernel: FakeKernel) -> None:
    file = f"{tree.package(0)}/{LONG}"
    kernel.not_read[file] = errno.EACCES
    assert Powercap(kernel).apply(30.0).answer is Answer.FORBIDDEN
    assert kernel.written == []


@pytest.mark.parametrize("cap_w", [0.0, -5.0, float("nan"), float("inf")])
def test_no_cap_is_no_write(tree: SysfsTree, kernel: FakeKernel, cap_w: float) -> None:
    tree.package(0)
    assert Powercap(kernel).apply(cap_w).answer is Answer.REFUSED
    assert kernel.written == []


@pytest.mark.parametrize(
    ("file", "text"),
    [("../../etc/passwd", "1"), ("class/powercap/../../x", "1"), ("class/powercap/intel-rapl:0/enabled", "²")],
)
def test_a_forged_restore_file_writes_nothing(tree: SysfsTree, kernel: FakeKernel, file: str, text: str) -> None:
    tree.package(0)
    (answer,) = Powercap(kernel).restore({file: text})
    assert answer.answer is Answer.REFUSED
    assert kernel.written == []


def test_a_zone_that_has_gone_needs_nothing_back(tree: SysfsTree, kernel: FakeKernel) -> None:
    (answer,) = Powercap(kernel).restore({"class/powercap/intel-rapl:9/enabled": "1"})
    assert answer.answer is Answer.ABSENT
