# SPDX-License-Identifier: Apache-2.0
"""Parts that break their promise: what was decided before is not kept for ever, and no task ends silently."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from agent.energy.battery import BatteryOptions, BatteryPhase, BatteryReading, NoBatteryReading
from agent.energy.battery_watch import BatteryWatch
from agent.energy.command_output import first_bytes
from agent.energy.frequency.boost import BoostRefused
from agent.energy.view import CapState
from agent.energy.work_hours import CommandCount
from agent.events.event import EventKind
from agent.hardware.port_thread import PortThread
from tests.agent.energy.control_rig import FOUND_UW, ControlRig
from tests.agent.processes import running_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.energy.battery_sources import BatterySource


def broken(*_: object) -> NoReturn:
    raise ZeroDivisionError("a defect")


class BrokenPolicy:
    name = "broken"

    def propose(self, situation: object) -> NoReturn:
        broken()


def test_a_policy_that_breaks_asks_for_the_safe_cap_and_the_others_are_heard(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path, safe_w=20)
        assert await rig.look() == 40
        good = rig.agent.policies
        rig.agent.policies = (BrokenPolicy(), *good)
        assert await rig.look() == 20
        assert rig.events[-1][1][2:] == ("broken", "ZeroDivisionError: a defect: the safe cap")
        rig.agent.policies = good
        assert await rig.look(60) == 40
        await rig.agent.close()

    asyncio.run(story())


def test_looks_that_fail_end_at_the_safe_cap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cap of hours ago does not stay because nothing is decided any more."""

    async def story() -> None:
        rig = ControlRig(tmp_path, look_s=1)
        assert await rig.look() == 40
        monkeypatch.setattr(rig.agent, "_situate", broken)
        rig.agent.start()
        deadline_s = time.monotonic() + 10
        while rig.limit_w != 10:
            assert time.monotonic() < deadline_s, rig.agent.view
            await asyncio.sleep(0.02)
        assert rig.agent.view.decision is not None
        assert rig.agent.view.decision.binding.why == "ZeroDivisionError: a defect"
        monkeypatch.undo()
        while rig.agent.view.state is not CapState.CAPPING or rig.limit_w != 40:
            assert time.monotonic() < deadline_s, rig.agent.view
            await asyncio.sleep(0.02)
        await rig.agent.close()
        assert rig.limit_w == FOUND_UW / 1e6

    asyncio.run(story())


def test_a_failed_first_look_is_a_state(tmp_path: Path) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        rig.agent.fall_back("ZeroDivisionError: a defect")
        assert (rig.agent.view.state, rig.agent.view.why) == (CapState.FAILING, "ZeroDivisionError: a defect")
        assert rig.limit_w == FOUND_UW / 1e6
        await rig.agent.close()

    asyncio.run(story())


def test_who_is_told_of_a_cap_does_not_keep_it_from_being_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        rig.told = broken
        assert await rig.look() == 40
        assert rig.kinds() == ["energy.cap"]
        await rig.agent.close()

    asyncio.run(story())


def test_an_actuator_that_breaks_while_it_recovers_or_gives_back_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        await rig.look()
        await rig.kill()
        monkeypatch.setattr(rig.held, "recover", broken)
        await rig.agent.recover()
        monkeypatch.setattr(rig.held, "close", broken)
        await rig.look()
        await rig.agent.close()  # and the counters were kept
        assert rig.store.values

    asyncio.run(story())


def test_nothing_is_changed_once_everything_is_given_back(tmp_path: Path) -> None:
    """A boost that is asked for while the agent ends would outlive it."""

    async def story() -> None:
        rig = ControlRig(tmp_path)
        await rig.look()
        closing = asyncio.create_task(rig.agent.close())
        await asyncio.sleep(0)
        while not closing.done():
            refused = await rig.agent.boost(10, 0)
            assert isinstance(refused, BoostRefused)
            await asyncio.sleep(0)
        with pytest.raises(OSError, match="the agent ends"):
            await rig.writer.beside(broken)
        await closing
        assert rig.limit_w == FOUND_UW / 1e6

    asyncio.run(story())


class Battery:
    name = "battery"

    def __init__(self) -> None:
        self.reading: BatteryReading | NoBatteryReading = BatteryReading(on_mains=False, charge=0.05)

    def read(self) -> BatteryReading | NoBatteryReading:
        return self.reading


def watch(soft_off: Callable[[], str], now_s: list[float], told: list[Any]) -> tuple[BatteryWatch, Battery]:
    battery = Battery()
    thread: PortThread[BatterySource] = PortThread("battery", battery, "stuck")
    emit = lambda kind, source, *args: told.append((kind, args))  # noqa: E731
    return BatteryWatch(thread, BatteryOptions(), soft_off, emit, lambda: int(now_s[0] * 1e9)), battery


def test_a_battery_at_its_reserve_asks_once_and_says_when_it_is_over() -> None:
    async def story() -> None:
        told: list[Any] = []
        now_s, asked = [1000.0], 0

        def soft_off() -> str:
            nonlocal asked
            asked += 1
            return "host 0: done"

        eyes, battery = watch(soft_off, now_s, told)
        for _ in range(60):
            await eyes.look()
            now_s[0] += 5
        assert [kind for kind, _ in told] == [EventKind.ENERGY_RESERVE]
        assert told[0][1][-1].startswith("host 0: done")
        assert asked == 1
        assert eyes.state.phase is BatteryPhase.RESERVE
        battery.reading = BatteryReading(on_mains=True, charge=0.05)
        for _ in range(100):
            await eyes.look()
            now_s[0] += 5
        assert [kind for kind, _ in told] == [EventKind.ENERGY_RESERVE, EventKind.ENERGY_RESERVE_OVER]
        eyes.close()

    asyncio.run(story())


def test_a_shutdown_that_could_not_be_asked_for_is_asked_for_again() -> None:
    async def story() -> None:
        told: list[Any] = []
        now_s, tries = [1000.0], []

        def soft_off() -> str:
            tries.append(1)
            if len(tries) < 3:
                raise KeyError("0")
            return "host 0: done"

        eyes, _ = watch(soft_off, now_s, told)
        failed = 0
        for _ in range(60):
            try:
                await eyes.look()
            except KeyError:
                failed += 1
            now_s[0] += 5
        assert (failed, len(tries)) == (2, 3)
        assert [kind for kind, _ in told] == [EventKind.ENERGY_RESERVE]
        eyes.close()

    asyncio.run(story())


def test_a_battery_that_cannot_be_read_asks_for_nothing() -> None:
    async def story() -> None:
        told: list[Any] = []
        now_s = [1000.0]
        eyes, battery = watch(broken, now_s, told)
        battery.reading = NoBatteryReading("its driver is gone")
        for _ in range(60):
            await eyes.look()
            now_s[0] += 5
        assert (eyes.state.phase, told) == (BatteryPhase.UNAVAILABLE, [])
        eyes.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("echo 42", 42.0),
        ("printf 42", 42.0),
        ("echo 42; exit 3", None),
        ("echo forty", None),
        ("true", None),
        ("sleep 30", None),
        ("sleep 30 & echo 42", None),
        ("echo 7; yes", 7.0),
        ("cat", None),
    ],
)
def test_a_counter_of_work_costs_neither_memory_nor_time(script: str, count: float | None) -> None:
    """One that never ends, one that floods, one whose child holds the pipe, one that reads."""
    began_s = time.monotonic()
    assert CommandCount(("sh", "-c", script), "jobs").count() == count
    assert time.monotonic() - began_s < 5


@pytest.mark.parametrize("command", [("/nowhere/counter",), ("a\0b",), ("/",)])
def test_a_counter_of_work_that_cannot_be_run_is_not_known(command: tuple[str, ...]) -> None:
    assert CommandCount(command, "jobs").count() is None


def test_nothing_of_a_command_is_left() -> None:
    mark = "3141.59"
    assert first_bytes(("sh", "-c", f"sleep {mark} & sleep {mark}"), 10, 0.2) is None
    deadline_s = time.monotonic() + 5
    while running_with("sleep", mark) or running_with(f"sleep {mark}"):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_defect_at_every_look_fills_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        rig = ControlRig(tmp_path)
        rig.told = broken
        monkeypatch.setattr(rig.meters[0], "read", broken)
        for _ in range(20):
            await rig.look()
        assert [one.name for one in caplog.records] == ["agent.energy.meters.meter_set", "agent.energy.controller"]
        await rig.agent.close()

    asyncio.run(story())
