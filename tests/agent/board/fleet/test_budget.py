# SPDX-License-Identifier: Apache-2.0
"""A board under a coordinator: the lease is what the hardware keeps, proven by what is read back, and it ends."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from agent.board.fleet.budget import FleetBudget, LeasedMachine
from agent.board.health import problems
from agent.energy.view import CapState
from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.messages import Proof, Report, read_report
from agent.fleet.budget.tables import BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.timing import Timing
from agent.fleet.budget.topics import report_topic
from agent.fleet.budget.tree import build_tree
from agent.fleet.memory_bus import MemoryBroker
from tests.agent.board.fleet.rig import NODE, SEGMENT, FleetRig
from tests.agent.energy.sysfs_tree import SysfsTree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

S = 1_000_000_000
BASE_W, PEAK_W = 20.0, 60.0
LIMIT = "class/powercap/intel-rapl:0/constraint_0_power_limit_uw"
IDLE_W, BUSY_W = 10.0, 50.0
FLEET: dict[str, Any] = {"segment": SEGMENT, "node": NODE, "base_w": BASE_W, "peak_w": PEAK_W}


class Machine:
    """One package, a load, and a coordinator for it alone."""

    def __init__(self, folder: Path, *, package: bool = True) -> None:
        self.tree = SysfsTree(folder / "sys")
        self.tree.control_type()
        if package:
            self.tree.package(0, 65)
        self.proc = SysfsTree(folder / "proc")
        self.ticks = 0
        energy = {
            "zone": "UTC",
            "min_w": 5.0,
            "max_w": 65.0,
            "actuator": {"kind": "powercap"},
            "sysfs": str(self.tree.root),
            "proc": str(self.proc.root),
            "meters": ({"kind": "load-model", "idle_w": IDLE_W, "busy_w": BUSY_W},),
        }
        self.rig = FleetRig(folder, FLEET, energy)
        self.reports: list[Report] = []

    @property
    def limit_w(self) -> float | None:
        """None in the instant in which the file, other than the kernel's, is empty because it is being written."""
        text = self.tree.read(LIMIT)
        return int(text) / 1e6 if text else None

    async def whole_limit_w(self) -> float:
        """As it is now, not as while it is being written."""
        while (limit_w := self.limit_w) is None:
            await asyncio.sleep(0.001)
        return limit_w

    @property
    def report(self) -> Report | None:
        return self.reports[-1] if self.reports else None

    def coordinator(self, limit_w: float) -> Coordinator:
        """A new one, which leads as soon as the one before it is gone."""
        hall = GroupTable(kind="room", limit_w=limit_w, nodes=(NODE,))
        node = NodeTable(priority="critical", base_w=BASE_W, peak_w=PEAK_W)
        tree = build_tree(BudgetTable(groups={"hall": hall}, nodes={NODE: node}))
        bus = self.rig.broker.connect(f"coordinator-{limit_w}")
        return Coordinator(bus, tree, SEGMENT, lambda: self.rig.broker.now_ns, random.Random(1), Timing(0.3), 1.0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._load()), asyncio.create_task(self._follow())]
        async with self.rig.running():
            yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _load(self) -> None:
        """Half busy."""
        while True:
            self.ticks += 10
            self.proc.write("stat", f"cpu {self.ticks} 0 0 {self.ticks} 0 0 0 0")
            await asyncio.sleep(0.1)

    async def _follow(self) -> None:
        async for message in self.rig.owner.subscribe(report_topic(SEGMENT, NODE)):
            report = read_report(message.payload, NODE)
            assert isinstance(report, Report)
            self.reports.append(report)


@contextlib.asynccontextmanager
async def leading(coordinator: Coordinator) -> AsyncIterator[None]:
    """It is there in the block, and gone after it."""
    running = asyncio.create_task(coordinator.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_lease_is_kept_proven_and_given_up(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    async def play() -> None:
        rig = machine.rig
        async with machine.running():
            await rig.until(lambda: machine.limit_w == BASE_W)  # nobody has leased anything
            async with leading(machine.coordinator(200.0)):
                await rig.until(lambda: machine.limit_w == PEAK_W)
                await rig.until(
                    lambda: (
                        machine.report is not None
                        and machine.report.proof is Proof.PROVEN
                        and machine.report.lease_w == PEAK_W
                    )
                )
                assert machine.report is not None
                assert IDLE_W < machine.report.watts < BUSY_W
                assert machine.report.measured_peak_w >= machine.report.watts
            rig.skipped_ns += 28 * S
            await rig.until(lambda: machine.limit_w == BASE_W)
            assert rig.board.services.energy is not None
            decision = rig.board.services.energy.controller.view.decision
            assert decision is not None
            assert (decision.binding.policy, decision.binding.why) == ("lease", "the base of the budget")
        assert machine.limit_w == 65, "as it was found"

    asyncio.run(play())


def test_a_coordinator_with_another_lease_time_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    async def play() -> None:
        rig = machine.rig
        async with machine.running():
            coordinator = machine.coordinator(200.0)
            coordinator.timing = Timing(0.3, 60.0)
            async with leading(coordinator):
                await rig.until(lambda: any("lease_s of [fleet]" in why for _, why in problems(rig.board.services)))
                assert await machine.whole_limit_w() == BASE_W

    asyncio.run(play())


def test_a_broker_that_is_away_is_named_for_a_machine_that_only_has_a_budget(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    async def play() -> None:
        rig = machine.rig

        def told() -> list[str]:
            return [why for source, why in problems(rig.board.services) if source == f"fleet/{NODE}"]

        async with machine.running():
            assert rig.board.services.fleet is not None
            budget = rig.board.services.fleet.budget
            assert budget is not None
            await rig.until(lambda: budget.unreached_since_ns is None)
            rig.broker.cut_off.add(f"{NODE}-budget")
            await rig.until(lambda: budget.unreached_since_ns is not None)
            assert "broker" not in " ".join(told()), "a short break is no problem"
            rig.skipped_ns += 60 * S
            assert "the fleet's broker is not reached: the broker is not reached" in told()
            rig.broker.cut_off.clear()
            await rig.until(lambda: "broker" not in " ".join(told()))

    asyncio.run(play())


def test_a_lower_lease_is_in_force_before_it_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    async def play() -> None:
        rig = machine.rig
        async with machine.running():
            async with leading(machine.coordinator(200.0)):
                await rig.until(lambda: machine.limit_w == PEAK_W)
            await rig.until(lambda: machine.report is not None and machine.report.lease_w == PEAK_W)
            machine.reports.clear()
            async with leading(machine.coordinator(45.0)):
                await rig.until(
                    lambda: any(one.proof is Proof.PROVEN and one.lease_w < PEAK_W for one in machine.reports)
                )
                assert BASE_W <= await machine.whole_limit_w() <= 45.0

    asyncio.run(play())


def test_a_machine_whose_cap_cannot_be_set_says_that_nothing_is_proven(tmp_path: Path) -> None:
    machine = Machine(tmp_path, package=False)

    async def play() -> None:
        async with machine.running():
            await machine.rig.until(lambda: machine.report is not None and machine.report.proof is Proof.UNPROVEN)
            assert machine.report is not None
            assert machine.report.measured_peak_w > 0

    asyncio.run(play())


@dataclass
class Measuring:
    """As much of an energy controller as tells what is drawn."""

    node_w: float | None

    @property
    def view(self) -> SimpleNamespace:
        return SimpleNamespace(measured=SimpleNamespace(watts=lambda _: self.node_w), state=CapState.OBSERVING)

    writing = False


def test_a_machine_tells_what_it_does_with_a_joule() -> None:
    async def story() -> None:
        now_ns, controller = [0], Measuring(100.0)
        machine = LeasedMachine(BASE_W, PEAK_W, lambda: now_ns[0])
        machine.connect(controller)  # type: ignore[arg-type]
        broker = MemoryBroker(random.Random(1))
        budget = FleetBudget(NODE, SEGMENT, machine, BASE_W, PEAK_W, broker.connect(NODE), lambda: now_ns[0])
        for second in range(121):
            now_ns[0] = second * S
            budget.side.look()
            if second % 60 == 0:
                machine.worked(second * 25.0)
        assert budget.side.lease.report(now_ns[0]).efficiency == 0.25
        controller.node_w = None
        for second in range(121, 400):
            now_ns[0] = second * S
            budget.side.look()
        assert budget.side.lease.report(now_ns[0]).efficiency is None

    asyncio.run(story())
