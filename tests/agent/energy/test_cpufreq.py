# SPDX-License-Identifier: Apache-2.0
"""Caps by frequency over fake trees of three drivers: order of writes, governors that exist, everything given back."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.interface import Answer
from agent.energy.frequency.governor import Wish
from agent.energy.sysfs import Fault
from tests.agent.energy.sysfs_tree import FakeKernel, SysfsTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX, MIN, GOVERNOR = "scaling_max_freq", "scaling_min_freq", "scaling_governor"
PREFERENCE = "energy_performance_preference"


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    return SysfsTree(tmp_path / "sys")


@pytest.fixture
def kernel(tree: SysfsTree) -> FakeKernel:
    return FakeKernel(tree.root)


def test_a_cap_becomes_the_highest_step_below_it(tree: SysfsTree, kernel: FakeKernel) -> None:
    pi = tree.raspberry_pi()
    actuator = Cpufreq(kernel, slowest_w=3.0, fastest_w=7.0)
    assert actuator.range_w() == (3.0, 7.0)
    applied = actuator.apply(5.0)
    khz = tree.number(f"{pi}/{MAX}")
    assert applied.answer is Answer.DONE
    assert applied.in_force_w is not None
    assert applied.in_force_w <= 5.0
    curve = actuator.curve()
    assert curve is not None
    assert applied.in_force_w == pytest.approx(curve.watts(khz / 1e6))
    assert curve.watts((khz + 100_000) / 1e6) > 5.0


def test_lowering_below_the_least_writes_the_least_first(tree: SysfsTree, kernel: FakeKernel) -> None:
    pi = tree.raspberry_pi()
    tree.write(f"{pi}/{MIN}", 1_500_000)
    actuator = Cpufreq(kernel, 3.0, 7.0)
    saved = actuator.save()
    assert actuator.apply(4.0).answer is Answer.DONE
    assert [file.rpartition("/")[2] for file, _ in kernel.written] == [MIN, MAX]
    assert tree.number(f"{pi}/{MIN}") == tree.number(f"{pi}/{MAX}") < 1_500_000
    assert {answer.answer for answer in actuator.restore(saved)} == {Answer.DONE}
    assert (tree.number(f"{pi}/{MIN}"), tree.number(f"{pi}/{MAX}")) == (1_500_000, 1_800_000)


def test_unlike_processors_are_slowed_alike(tree: SysfsTree, kernel: FakeKernel) -> None:
    little, big = tree.policy(0, 500_000, 1_500_000, "schedutil"), tree.policy(4, 500_000, 2_500_000, "schedutil")
    actuator = Cpufreq(kernel, 2.0, 12.0)
    actuator.apply(7.0)
    parts = (tree.number(f"{little}/{MAX}") / 1_500_000, tree.number(f"{big}/{MAX}") / 2_500_000)
    assert parts[0] == pytest.approx(parts[1], abs=1e-5)
    assert parts[0] < 1


def test_absent_forbidden_refused_and_kept(tree: SysfsTree, kernel: FakeKernel) -> None:
    actuator = Cpufreq(kernel, 3.0, 7.0)
    assert actuator.apply(5.0).answer is Answer.ABSENT
    assert actuator.range_w() is None
    file = f"{tree.raspberry_pi()}/{MAX}"
    kernel.not_opened[file] = errno.EACCES
    assert actuator.apply(5.0).answer is Answer.FORBIDDEN
    kernel.not_opened.clear()
    kernel.not_taken[file] = errno.EBUSY
    refused = actuator.apply(5.0)
    assert (refused.answer, "Device or resource busy" in refused.reason) == (Answer.REFUSED, True)
    kernel.not_taken.clear()
    kernel.stubborn.add(file)
    kept = actuator.apply(5.0)
    assert (kept.answer, kept.in_force_w) == (Answer.CLAMPED, 7.0)
    assert "reads 1800000 instead of" in kept.reason


def test_one_policy_that_does_not_obey_keeps_no_other_from_it(tree: SysfsTree, kernel: FakeKernel) -> None:
    first, second, third = tree.intel_pstate(3)
    kernel.stubborn.add(f"{first}/{MAX}")
    kernel.not_taken[f"{second}/{MAX}"] = errno.EIO
    assert Cpufreq(kernel, 10.0, 60.0).apply(20.0).answer is Answer.REFUSED
    assert tree.number(f"{third}/{MAX}") < 4_000_000


def test_a_cap_below_the_slowest_frequency_is_told(tree: SysfsTree, kernel: FakeKernel) -> None:
    tree.raspberry_pi()
    applied = Cpufreq(kernel, 3.0, 7.0).apply(2.0)
    assert applied.answer is Answer.CLAMPED
    assert applied.in_force_w == pytest.approx(3.0)


def test_governors_are_chosen_from_those_that_exist(tree: SysfsTree, kernel: FakeKernel) -> None:
    first, second = tree.intel_pstate()
    actuator = Cpufreq(kernel, 10.0, 60.0)
    found = tree.everything()
    saved = actuator.save()
    for wish, governor, preference in (
        (Wish.SAVING, "powersave", "power"),
        (Wish.BALANCED, "powersave", "balance_performance"),
        (Wish.FAST, "performance", "balance_performance"),
    ):
        assert actuator.wish(wish) == ()
        for policy in (first, second):
            assert (tree.read(f"{policy}/{GOVERNOR}"), tree.read(f"{policy}/{PREFERENCE}")) == (governor, preference)
    assert {answer.answer for answer in actuator.restore(saved)} == {Answer.DONE}
    assert tree.everything() == found


def test_a_driver_with_all_governors_is_not_nailed_to_its_lowest(tree: SysfsTree, kernel: FakeKernel) -> None:
    (policy,) = tree.acpi_cpufreq(1)
    actuator = Cpufreq(kernel, 20.0, 90.0)
    chosen = []
    for wish in Wish:
        assert actuator.wish(wish) == ()
        chosen.append(tree.read(f"{policy}/{GOVERNOR}"))
    assert chosen == ["performance", "schedutil", "conservative"]


def test_a_governor_that_is_refused_is_told(tree: SysfsTree, kernel: FakeKernel) -> None:
    (policy,) = tree.acpi_cpufreq(1)
    kernel.not_taken[f"{policy}/{GOVERNOR}"] = errno.EBUSY
    (failed,) = Cpufreq(kernel, 20.0, 90.0).wish(Wish.FAST)
    assert failed.fault is Fault.REFUSED


def test_boost_by_either_switch_and_back(tree: SysfsTree, kernel: FakeKernel) -> None:
    actuator = Cpufreq(kernel, 20.0, 90.0)
    absent = actuator.boost(True)
    assert absent is not None
    assert absent.fault is Fault.ABSENT
    tree.acpi_cpufreq(1)
    saved = actuator.save()
    assert actuator.boost(False) is None
    assert tree.read("devices/system/cpu/cpufreq/boost") == "0"
    actuator.restore(saved)
    assert tree.read("devices/system/cpu/cpufreq/boost") == "1"
    tree.intel_pstate(1)
    assert actuator.boost(False) is None
    assert tree.read("devices/system/cpu/intel_pstate/no_turbo") == "1"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("devices/system/cpu/cpufreq/policy0/../../../x", "1"),
        ("devices/system/cpu/cpu1/online", "0"),
        ("devices/system/cpu/cpufreq/policy0/scaling_governor", "../x"),
    ],
)
def test_a_forged_restore_file_writes_nothing(tree: SysfsTree, kernel: FakeKernel, file: str, text: str) -> None:
    tree.raspberry_pi()
    (answer,) = Cpufreq(kernel, 3.0, 7.0).restore({file: text})
    assert answer.answer is Answer.REFUSED
    assert kernel.written == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(caps=st.lists(st.floats(0.1, 500.0), max_size=8), driver=st.sampled_from(["intel", "acpi", "pi"]))
def test_frequencies_stay_within_the_hardwares_and_go_back(
    tmp_path_factory: pytest.TempPathFactory, caps: list[float], driver: str
) -> None:
    tree = SysfsTree(tmp_path_factory.mktemp("sys"))
    kernel = FakeKernel(tree.root)
    drivers: dict[str, Callable[[], object]] = {
        "intel": tree.intel_pstate,
        "acpi": tree.acpi_cpufreq,
        "pi": tree.raspberry_pi,
    }
    drivers[driver]()
    found = tree.everything()
    actuator = Cpufreq(kernel, 10.0, 90.0)
    saved = actuator.save()
    for cap_w in caps:
        applied = actuator.apply(cap_w)
        assert applied.answer in (Answer.DONE, Answer.CLAMPED)
        assert applied.answer is Answer.CLAMPED or (applied.in_force_w or 0.0) <= cap_w * 1.02
    for file, text in kernel.written:
        folder = file.rpartition("/")[0]
        assert tree.number(f"{folder}/cpuinfo_min_freq") <= int(text) <= tree.number(f"{folder}/cpuinfo_max_freq")
    assert all(answer.answer is Answer.DONE for answer in actuator.restore(saved))
    assert tree.everything() == found
