# SPDX-License-Identifier: Apache-2.0
"""Governors follow the work, boost ends by itself, and both are given back."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.held import Held
from agent.energy.frequency.boost import Boost, BoostRefused
from agent.energy.frequency.curve_points import CurvePoints
from agent.energy.frequency.power_curve import PowerCurve
from agent.energy.frequency.tuner import Tuner
from agent.energy.frequency.workload import Workload
from agent.energy.restore_file import RestoreFile
from tests.agent.energy.sysfs_tree import FakeKernel, SysfsTree

if TYPE_CHECKING:
    from pathlib import Path

GOVERNOR = "scaling_governor"
BOOST = "devices/system/cpu/cpufreq/boost"


class Desk:
    """A machine with acpi-cpufreq and a tuner."""

    def __init__(self, folder: Path, boost: int = 1) -> None:
        self.tree = SysfsTree(folder / "sys")
        (self.policy,) = self.tree.acpi_cpufreq(1)
        self.tree.write(BOOST, boost)
        self.found = self.tree.everything()
        self.kernel = FakeKernel(self.tree.root)
        cpufreq = Cpufreq(self.kernel, 20.0, 90.0)
        self.held = Held(cpufreq, RestoreFile(folder / "restore.json", "boot"))
        self.tuner = Tuner(cpufreq, self.held)

    def run(self, start_s: int, seconds: int, utilisation: float, spare_w: float | None = 50.0) -> None:
        for second in range(start_s, start_s + seconds):
            self.tuner.step(float(second), utilisation, 60.0, spare_w)

    @property
    def governor(self) -> str:
        return self.tree.read(f"{self.policy}/{GOVERNOR}")

    @property
    def boosts(self) -> bool:
        return self.tree.read(BOOST) == "1"


def test_governors_follow_the_work_and_are_given_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    seen = []
    for start_s, utilisation in ((0, 0.4), (20, 0.95), (40, 0.02)):
        desk.run(start_s, 15, utilisation)
        seen.append((desk.tuner.workload, desk.governor))
    assert seen == [
        (Workload.STEADY, "schedutil"),
        (Workload.BUSY, "performance"),
        (Workload.IDLE, "conservative"),
    ]
    assert len([file for file, _ in desk.kernel.written if file.endswith(GOVERNOR)]) == 3
    desk.held.close()
    assert desk.tree.everything() == desk.found


def test_what_the_driver_refuses_is_not_asked_again_and_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(tmp_path)
    desk.kernel.not_taken[f"{desk.policy}/{GOVERNOR}"] = errno.EBUSY
    desk.run(0, 30, 0.4)
    assert len([record for record in caplog.records if "governor for steady" in record.message]) == 1


@pytest.mark.parametrize("found", [0, 1])
def test_boost_ends_by_time_as_it_was(tmp_path: Path, found: int) -> None:
    desk = Desk(tmp_path, found)
    assert desk.tuner.ask_boost(30.0, 20.0, 25.0, 0.0) == Boost(30.0, 20.0)
    desk.run(0, 30, 0.9)
    assert (desk.boosts, desk.tuner.boost is not None) == (True, True)
    desk.run(30, 1, 0.9)
    assert (desk.boosts, desk.tuner.boost) == (bool(found), None)


@pytest.mark.parametrize("spare_w", [-1.0, None])
def test_boost_ends_when_its_power_is_needed_or_unknown(tmp_path: Path, spare_w: float | None) -> None:
    desk = Desk(tmp_path, 0)
    desk.tuner.ask_boost(600.0, 20.0, 25.0, 0.0)
    desk.run(0, 3, 0.9)
    assert desk.boosts
    desk.run(3, 1, 0.9, spare_w)
    assert not desk.boosts


def test_a_killed_agents_boost_is_taken_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path, 0)
    desk.tuner.ask_boost(600.0, 20.0, 25.0, 0.0)
    assert desk.boosts
    Held(Cpufreq(desk.kernel, 20.0, 90.0), RestoreFile(tmp_path / "restore.json", "boot")).recover()
    assert desk.tree.everything() == desk.found


def test_a_boost_that_cannot_be_saved_or_switched_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path, 0)
    desk.kernel.not_taken[BOOST] = errno.EINVAL
    refused = desk.tuner.ask_boost(60.0, 0.0, 5.0, 0.0)
    assert isinstance(refused, BoostRefused)
    assert "Invalid argument" in refused.reason
    nowhere = Held(Cpufreq(desk.kernel, 20.0, 90.0), RestoreFile(tmp_path / "missing" / "file", "boot"))
    desk.kernel.not_taken.clear()
    unsaved = Tuner(Cpufreq(desk.kernel, 20.0, 90.0), nowhere).ask_boost(60.0, 0.0, 5.0, 0.0)
    assert isinstance(unsaved, BoostRefused)
    assert not desk.boosts


def test_the_best_frequency_is_learned_from_busy_times_only() -> None:
    truth, points = PowerCurve(20.0, 1.25), CurvePoints()
    for _ in range(20):
        for ghz in (1.2, 1.8, 2.6, 3.4):
            points.add(ghz, truth.watts(ghz), 0.97)
            points.add(ghz, 5.0, 0.3)
    curve = points.curve()
    assert curve is not None
    assert curve.optimal_ghz == pytest.approx(2.0)


def test_too_few_frequencies_teach_nothing() -> None:
    points = CurvePoints()
    for _ in range(50):
        points.add(2.0, 40.0, 1.0)
        points.add(2.4, 50.0, 1.0)
    points.add(3.0, 70.0, 1.0)
    points.add(float("nan"), 70.0, 1.0)
    assert points.curve() is None
