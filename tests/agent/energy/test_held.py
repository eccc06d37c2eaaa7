# SPDX-License-Identifier: Apache-2.0
"""Whatever happens, limits are given back: at the end, after kill -9, after a failure, in any order of events."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.held import Held
from agent.energy.actuators.interface import Answer, Applied
from agent.energy.actuators.powercap import Powercap
from agent.energy.frequency.governor import Wish
from agent.energy.restore_file import RestoreFile
from tests.agent.energy.capping import BOOT
from tests.agent.energy.sysfs_tree import LOCKED, UW, FakeKernel, SysfsTree

LONG = "constraint_0_power_limit_uw"
REPOSITORY = Path(__file__).parents[3]


class Machine:
    """Two packages, and agents that come and go."""

    def __init__(self, folder: Path) -> None:
        self.tree = SysfsTree(folder / "sys")
        self.tree.control_type()
        self.packages = (self.tree.package(0), self.tree.package(1))
        for package in self.packages:
            self.tree.write(f"{package}/constraint_0_min_power_uw", 5 * UW)
        self.kernel = FakeKernel(self.tree.root)
        self.file = folder / "energy-restore.json"
        self.found = self.tree.everything()

    def agent(self, boot: str = BOOT) -> Held:
        return Held(Powercap(self.kernel), RestoreFile(self.file, boot))

    @property
    def as_found(self) -> bool:
        return self.tree.everything() == self.found

    def limits_w(self) -> list[float]:
        return [self.tree.number(f"{package}/{LONG}") / UW for package in self.packages]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_file_is_there_before_the_first_write_and_gone_after_the_last(machine: Machine) -> None:
    held = machine.agent()
    assert held.recover() == ()
    assert not machine.file.exists()
    there: list[bool] = []
    put = machine.kernel._put

    def looking(file: str, descriptor: int, data: bytes) -> None:
        there.append(machine.file.exists())
        put(file, descriptor, data)

    machine.kernel._put = looking  # type: ignore[method-assign]
    assert held.apply(60.0).answer is Answer.DONE
    assert there == [True, True]
    held.apply(50.0)
    assert {answer.answer for answer in held.close()} == {Answer.DONE}
    assert machine.as_found
    assert not machine.file.exists()
    assert held.close() == ()


def test_an_agent_without_a_place_for_the_file_changes_nothing(machine: Machine) -> None:
    held = Held(Powercap(machine.kernel), RestoreFile(machine.file.parent / "missing" / "file", BOOT))
    applied = held.apply(60.0)
    assert (applied.answer, "cannot be written" in applied.reason) == (Answer.FORBIDDEN, True)
    assert machine.as_found


def test_the_successor_of_a_killed_agent_gives_back_what_that_one_found(machine: Machine) -> None:
    machine.agent().apply(60.0)
    second = machine.agent()
    assert {answer.answer for answer in second.recover()} == {Answer.DONE}
    assert machine.as_found
    second.apply(40.0)
    second.close()
    assert machine.as_found


def test_a_successor_that_does_not_recover_first_still_knows_what_was_found(machine: Machine) -> None:
    machine.agent().apply(60.0)
    second = machine.agent()
    second.apply(40.0)
    second.close()
    assert machine.as_found


def test_after_a_reboot_the_kernel_has_its_own_limits(machine: Machine) -> None:
    machine.agent().apply(60.0)
    for package in machine.packages:
        machine.tree.write(f"{package}/{LONG}", 55 * UW)
    held = machine.agent("another boot")
    assert held.recover() == ()
    assert machine.limits_w() == [55.0, 55.0]
    held.apply(60.0)
    held.close()
    assert machine.limits_w() == [55.0, 55.0]


def test_what_outlives_a_reboot_is_given_back_after_it(machine: Machine) -> None:
    Held(Powercap(machine.kernel), RestoreFile(machine.file, BOOT), outlives_boot=True).apply(60.0)
    Held(Powercap(machine.kernel), RestoreFile(machine.file, "another boot")).recover()
    assert machine.as_found


def test_what_cannot_be_given_back_now_is_given_back_later(machine: Machine) -> None:
    held = machine.agent()
    held.apply(60.0)
    locked = f"{machine.packages[1]}/{LONG}"
    machine.kernel.not_taken[locked] = LOCKED
    assert {answer.answer for answer in held.close()} == {Answer.DONE, Answer.REFUSED}
    assert machine.limits_w() == [65.0, 30.0]
    machine.kernel.not_taken.clear()
    machine.agent().recover()
    assert machine.as_found
    assert not machine.file.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\x00", b"[]", b'{"format": 9, "actuators": {}}', b"[" * 100_000])
def test_a_damaged_file_is_put_aside_and_the_agent_goes_on(machine: Machine, damage: bytes) -> None:
    machine.file.write_bytes(damage)
    held = machine.agent()
    assert held.recover() == ()
    assert held.apply(60.0).answer is Answer.DONE
    assert machine.file.with_name(machine.file.name + ".damaged").read_bytes() == damage
    held.close()
    assert machine.as_found


def test_what_else_is_changed_is_saved_and_given_back_too(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path / "sys")
    (policy,) = tree.acpi_cpufreq(1)
    actuator = Cpufreq(FakeKernel(tree.root), 20.0, 90.0)
    found = tree.everything()
    nowhere = Held(actuator, RestoreFile(tmp_path / "missing" / "file", BOOT))
    refused = nowhere.change(lambda: actuator.wish(Wish.SAVING))
    assert isinstance(refused, Applied)
    assert refused.answer is Answer.FORBIDDEN
    assert tree.everything() == found
    held = Held(actuator, RestoreFile(tmp_path / "file", BOOT))
    held.change(lambda: actuator.wish(Wish.SAVING))
    assert tree.read(f"{policy}/scaling_governor") == "conservative"
    assert Held(actuator, RestoreFile(tmp_path / "file", BOOT)).recover() != ()
    assert tree.everything() == found


def test_a_cap_outside_the_actuators_range_is_brought_into_it(machine: Machine) -> None:
    held = machine.agent()
    for cap_w, in_force_w in ((500.0, 130.0), (1.0, 10.0)):
        applied = held.apply(cap_w)
        assert (applied.answer, applied.wanted_w, applied.in_force_w) == (Answer.CLAMPED, cap_w, in_force_w)
        assert "10 to 130 W" in applied.reason


def test_kill_9_in_the_middle_of_writes_is_made_good_by_the_next(machine: Machine) -> None:
    for moment in range(4):
        command = [sys.executable, "-m", "tests.agent.energy.capping", str(machine.tree.root), str(machine.file), "60"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=REPOSITORY)
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        time.sleep(0.003 * moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert max(machine.limits_w()) <= 30.0
        assert machine.file.exists()
    assert {answer.answer for answer in machine.agent().recover()} == {Answer.DONE}
    assert machine.as_found


EVENTS = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True),
        st.floats(5.0, 140.0),
        st.sampled_from(["kill", "close", "lock", "unlock", "stop writing"]),
    ),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(EVENTS)
def test_any_order_of_events(events: list[float | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        held = machine.agent()
        held.recover()
        for event in events:
            match event:
                case "kill":
                    held = machine.agent()
                    held.recover()
                case "close":
                    held.close()
                case "lock":
                    machine.kernel.not_taken[f"{machine.packages[0]}/{LONG}"] = LOCKED
                case "unlock":
                    machine.kernel.not_taken.clear()
                case "stop writing":
                    machine.kernel.not_opened[f"{machine.packages[1]}/{LONG}"] = LOCKED
                case float(cap_w):
                    held.apply(cap_w)
            for file, text in machine.kernel.written:
                if file.endswith(LONG):
                    assert 5 * UW <= int(text) <= 65 * UW
        machine.kernel.not_taken.clear()
        machine.kernel.not_opened.clear()
        held.close()
        assert machine.as_found
        assert not machine.file.exists()
