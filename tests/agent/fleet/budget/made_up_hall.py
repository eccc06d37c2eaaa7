# SPDX-License-Identifier: Apache-2.0
"""Nodes and coordinators on one broker, in made-up time."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.node_side import NodeSide
from agent.fleet.budget.timing import Timing
from agent.fleet.bus import SECOND_NS
from agent.fleet.memory_bus import MemoryBroker, MemoryBus, Weather
from tests.agent.fleet.budget.capped import Capped
from tests.agent.fleet.budget.worlds import small_tree

if TYPE_CHECKING:
    from collections.abc import Coroutine

CYCLE_S = 3
DOMAIN = "hall"
ROOMY_W = (1600.0, 800.0, 850.0)
"""Room for all floors and for the critical nodes' peaks."""


@dataclass
class Machine(Capped):
    """Draws what it wants, up to its cap."""

    wanted_w: float = 300.0

    def watts(self) -> float | None:
        return min(self.wanted_w, self.kept_w)


@dataclass
class Hall:
    """Six nodes and two coordinators on one broker, in made-up time."""

    broker: MemoryBroker = field(default_factory=lambda: MemoryBroker(random.Random(1), Weather(most_delay_ns=10**8)))
    nodes: dict[str, NodeSide] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    coordinators: list[Coordinator] = field(default_factory=list)
    stopped: set[int] = field(default_factory=set)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    timing: Timing = field(default_factory=Timing)

    async def open(self) -> None:
        tree = small_tree(ROOMY_W)
        clock = self.now
        for number, node in enumerate(tree.nodes.values()):
            self.machines[node.name] = machine = Machine()
            lease = NodeLease(node.name, node.base_w, node.peak_w, number + 1, self.now(), self.timing.lease_ns)
            side = NodeSide(self.broker.connect(node.name), DOMAIN, lease, machine, clock)
            self.nodes[node.name] = side
            self.tasks.append(asyncio.create_task(side.listen()))
        for number in range(2):
            self.start_coordinator(self.broker.connect(f"coordinator{number}"))
        await self.settle()

    def start_coordinator(self, bus: MemoryBus) -> None:
        coordinator = Coordinator(bus, small_tree(ROOMY_W), DOMAIN, self.now, random.Random(1), self.timing)
        self.coordinators.append(coordinator)
        self.tasks.append(asyncio.create_task(coordinator._listen()))

    def now(self) -> int:
        return self.broker.now_ns

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            second = self.broker.now_ns // SECOND_NS
            for number, side in enumerate(self.nodes.values()):
                if (second + number) % CYCLE_S == 0:
                    await side.tell()
                side.look()
            for _ in range(4):
                self.broker.advance(SECOND_NS // 8)
                await self.settle()
            for number, coordinator in enumerate(self.coordinators):
                if number in self.stopped:
                    continue
                if (second + number) % min(int(self.timing.cycle_s), CYCLE_S) == 0:
                    await coordinator.look()
            for _ in range(4):
                self.broker.advance(SECOND_NS // 8)
                await self.settle()
            for side in self.nodes.values():
                side.look()
            self.check()

    def check(self) -> None:
        tree = self.coordinators[0].tree
        for name, group in tree.groups.items():
            kept_w = sum(self.machines[node.name].kept_w for node in tree.nodes_below(name))
            assert kept_w <= group.limit_w + 1e-6

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def play(scene: Coroutine[None, None, None]) -> None:
    asyncio.run(scene)
