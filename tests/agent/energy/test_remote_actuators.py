# SPDX-License-Identifier: Apache-2.0
"""Caps that others keep: a BMC's DCMI limit and the supplies' limit. Saved first, told apart, given back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.energy.actuators.dcmi import Dcmi
from agent.energy.actuators.held import Held
from agent.energy.actuators.interface import Answer
from agent.energy.actuators.pmbus import Pmbus
from agent.energy.actuators.registry import (
    KINDS,
    ActuatorError,
    Around,
    CpufreqOptions,
    DcmiOptions,
    NoOptions,
    PowercapOptions,
)
from agent.energy.loop_call import LoopCall
from agent.energy.restore_file import RestoreFile
from agent.energy.sysfs import Sysfs
from agent.hardware.remote_power_limit import LimitFault, NoLimit, RemoteLimit
from agent.psu.power_limit import AppliedLimit
from tests.agent.energy.loop_thread import loop_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FakeBmc:
    """Implements RemotePowerLimit; `broken` is what it answers instead."""

    def __init__(self, limit: RemoteLimit) -> None:
        self.limit = limit
        self.broken: NoLimit | None = None
        self.most_w = 1000
        self.sets: list[RemoteLimit] = []

    async def power_limit(self) -> RemoteLimit | NoLimit:
        return self.broken or self.limit

    async def limit_power(self, limit: RemoteLimit) -> RemoteLimit | NoLimit:
        if self.broken:
            return self.broken
        self.sets.append(limit)
        watts = min(limit.watts, self.most_w)
        self.limit = RemoteLimit(limit.active, watts, limit.action, limit.correction_ms, limit.sampling_s)
        return self.limit


class FakeSupplies:
    """Implements SupplyLimit."""

    def __init__(self, watts: float | None, present: int = 2, able: int = 2) -> None:
        self.watts = watts
        self.present, self.able = present, able
        self.error: OSError | None = None

    async def set(self, watts: float | None, origin: str) -> AppliedLimit | None:
        if self.error:
            raise self.error
        if watts == self.watts:
            return None
        self.watts = watts
        return AppliedLimit(watts, {}, tuple((index, 550.0) for index in range(self.able)), self.present)


FOUND = RemoteLimit(active=False, watts=500, action=0x11, correction_ms=5000, sampling_s=2)


@pytest.fixture
def ask() -> Iterator[LoopCall]:
    with loop_thread() as ask:
        yield ask


def held(actuator: Dcmi | Pmbus, folder: Path) -> Held:
    return Held(actuator, RestoreFile(folder / "restore.json", "boot"), outlives_boot=True)


def test_a_bmcs_limit_is_set_and_given_back(ask: LoopCall, tmp_path: Path) -> None:
    bmc = FakeBmc(FOUND)
    holder = held(Dcmi(bmc, ask), tmp_path)
    applied = holder.apply(212.4)
    assert (applied.answer, applied.in_force_w) == (Answer.DONE, 212.0)
    assert bmc.limit == RemoteLimit(True, 212, 0, 5000, 2)
    holder.apply(180.0)
    successor = Held(Dcmi(bmc, ask), RestoreFile(tmp_path / "restore.json", "after a reboot"), outlives_boot=True)
    assert [answer.answer for answer in successor.recover()] == [Answer.DONE]
    assert bmc.limit == FOUND


def test_a_machine_is_never_to_be_switched_off_for_a_cap(ask: LoopCall, tmp_path: Path) -> None:
    bmc = FakeBmc(RemoteLimit(True, 400, 0x01, 0, 0))
    holder = held(Dcmi(bmc, ask), tmp_path)
    holder.apply(200.0)
    assert (bmc.limit.action, bmc.limit.correction_ms > 0, bmc.limit.sampling_s > 0) == (0, True, True)
    holder.close()
    assert bmc.limit == RemoteLimit(True, 400, 0x01, 0, 0)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (LimitFault.ABSENT, Answer.ABSENT),
        (LimitFault.FORBIDDEN, Answer.FORBIDDEN),
        (LimitFault.REFUSED, Answer.REFUSED),
    ],
)
def test_what_could_not_be_saved_is_not_set(ask: LoopCall, tmp_path: Path, fault: LimitFault, answer: Answer) -> None:
    bmc = FakeBmc(FOUND)
    bmc.broken = NoLimit(fault, "adapters.bmc: why")
    holder = held(Dcmi(bmc, ask), tmp_path)
    applied = holder.apply(200.0)
    assert (applied.answer, applied.reason) == (answer, "adapters.bmc: why")
    assert holder.close() == ()
    bmc.broken = None
    assert holder.apply(200.0).answer is Answer.DONE
    bmc.broken = NoLimit(fault, "adapters.bmc: why")
    assert [one.answer for one in holder.close()] == [answer]
    bmc.broken = None
    if answer is not Answer.ABSENT:
        held(Dcmi(bmc, ask), tmp_path).recover()
        assert bmc.limit == FOUND


def test_a_bmc_that_keeps_another_limit_is_told(ask: LoopCall, tmp_path: Path) -> None:
    bmc = FakeBmc(FOUND)
    bmc.most_w = 150
    applied = held(Dcmi(bmc, ask), tmp_path).apply(200.0)
    assert (applied.answer, applied.in_force_w) == (Answer.CLAMPED, 150.0)
    assert "keeps 150 W instead of 200 W" in applied.reason


def test_a_bmc_that_does_not_answer_is_no_exception(tmp_path: Path) -> None:
    bmc = FakeBmc(FOUND)
    with loop_thread() as ask:
        actuator = Dcmi(bmc, ask)
        actuator.save()
    assert actuator.apply(200.0).answer is Answer.REFUSED
    (answer,) = actuator.restore({"active": "1", "watts": "9", "action": "0", "correction_ms": "1", "sampling_s": "1"})
    assert (answer.answer, answer.reason) == (Answer.REFUSED, "the agent has ended")


@pytest.mark.parametrize("saved", [{}, {"watts": "500"}, dict.fromkeys(("active", "watts", "action"), "x")])
def test_a_forged_restore_file_sets_nothing(ask: LoopCall, saved: dict[str, str]) -> None:
    bmc, supplies = FakeBmc(FOUND), FakeSupplies(None)
    for actuator in (Dcmi(bmc, ask), Pmbus(supplies, ask)):
        (answer,) = actuator.restore({**saved, "watts": "-inf"})
        assert answer.answer is Answer.REFUSED
    assert (bmc.sets, supplies.watts) == ([], None)


def test_the_supplies_limit_is_set_and_given_back(ask: LoopCall, tmp_path: Path) -> None:
    supplies = FakeSupplies(800.0)
    holder = held(Pmbus(supplies, ask), tmp_path)
    assert holder.apply(600.0).answer is Answer.DONE
    assert supplies.watts == 600.0
    held(Pmbus(supplies, ask), tmp_path).recover()
    assert supplies.watts == 800.0


def test_a_limit_that_a_person_sets_meanwhile_stays(ask: LoopCall, tmp_path: Path) -> None:
    supplies = FakeSupplies(None)
    holder = held(Pmbus(supplies, ask), tmp_path)
    holder.apply(600.0)
    supplies.watts = 450.0
    (answer,) = holder.close()
    assert (answer.answer, supplies.watts) == (Answer.DONE, 450.0)


def test_supplies_that_keep_no_limit_are_told(ask: LoopCall) -> None:
    answers = [Pmbus(FakeSupplies(None, 2, able), ask).apply(600.0).answer for able in (0, 1, 2)]
    assert answers == [Answer.ABSENT, Answer.CLAMPED, Answer.DONE]
    assert Pmbus(FakeSupplies(None, 0, 0), ask).apply(600.0).reason == "no supply answers"
    failing = FakeSupplies(None)
    failing.error = OSError("disk full")
    assert Pmbus(failing, ask).apply(600.0).answer is Answer.REFUSED


def test_calling_on_the_loops_own_thread_is_told_at_once() -> None:
    async def story() -> None:
        call = LoopCall()
        with pytest.raises(AssertionError, match="actuator's thread"):
            call(lambda: asyncio.sleep(0), 1.0)

    asyncio.run(story())


def test_what_is_late_is_cancelled(ask: LoopCall) -> None:
    ended = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append(True)
            raise

    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        ask(slow, 0.05)
    ask(lambda: asyncio.sleep(0), 5)
    assert ended == [True]


def test_kinds_are_made_by_name_or_say_what_is_missing(ask: LoopCall, tmp_path: Path) -> None:
    around = Around(Sysfs(tmp_path), ask)
    full = Around(Sysfs(tmp_path), ask, FakeSupplies(None), lambda name: FakeBmc(FOUND) if name == "bmc" else None)
    options = {
        "powercap": PowercapOptions(),
        "cpufreq": CpufreqOptions(slowest_w=10, fastest_w=60),
        "dcmi": DcmiOptions(bmc="bmc"),
        "pmbus": NoOptions(),
        "none": NoOptions(),
    }
    assert options.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        assert isinstance(options[name], kind.options)
        assert kind.make(options[name], full).name == name
    for name, why in (("dcmi", "names no adapter"), ("pmbus", "no \\[\\[supplies"), ("cpufreq", "slowest_w < fastest")):
        bad = CpufreqOptions(slowest_w=60, fastest_w=10) if name == "cpufreq" else options[name]
        with pytest.raises(ActuatorError, match=why):
            KINDS[name].make(bad, around)
