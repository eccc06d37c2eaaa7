# SPDX-License-Identifier: Apache-2.0
"""A whole simulated board in a fleet: a broker in memory that lives as long as the test, and the owner of the nodes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.board.board import Board
from agent.board.fleet.service import Outside, Will
from agent.board.options import Options, Override
from agent.energy.tables import energy_table
from agent.fleet.memory_bus import MemoryBroker
from agent.fleet.node.documents import Asker, Direction, Report, Target, decode, encode
from agent.fleet.node.topics import Leaf, topic
from agent.fleet.node.wake_probe import WakeProbe
from agent.fleet.tables import fleet_table
from agent.power.request import Action, Request, Verdict
from agent.profile.load import load_profile
from agent.profile.site import Site, SiteSelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from agent.fleet.bus import NodeBus

SEGMENT, NODE = "hall", "bee"
PATIENCE_S = 20.0
PUMP_S = 0.002
ETHTOOL: dict[tuple[str, ...], str] = {
    ("ethtool", "eth0"): "Settings for eth0:\n\tSupports Wake-on: pumbg\n\tWake-on: g\n\tLink detected: yes\n"
}
MAC = "02:00:00:00:00:01"
HOST = """
schema = 1
name = "one"
[board]
simulated = true
[lines]
power = {direction = "output", class = "momentary", max_press_ms = 6000}
good = {direction = "input", rise_ms = 5, fall_ms = 5}
[[hosts]]
name = "0"
power_good = "good"
power_button = "power"
timing = {force_off_ms = 6000, soft_off_timeout_ms = 8000, power_on_timeout_ms = 4000}
"""


def ethtool(command: Sequence[str]) -> str | None:
    return ETHTOOL.get(tuple(command))


def cards() -> tuple[tuple[str, str], ...]:
    return (("eth0", MAC),)


class FleetRig:
    """Used on the loop's thread."""

    def __init__(
        self, folder: Path, fleet: dict[str, Any], energy: dict[str, Any] | None = None, profile: str = HOST
    ) -> None:
        """`fleet` and `energy` are the tables of the site file."""
        self.folder = folder
        self.profile = profile
        self.skipped_ns = 0
        """So far the machines' clock was put forward; the board's own is real."""
        self.suspended_ns = 0
        self.broker = MemoryBroker(random.Random(1))
        self.owner = self.broker.connect("owner")
        self.wills: dict[str, Will | None] = {}
        self.reports: list[Report] = []
        self.bursts: list[tuple[Sequence[str], int]] = []
        self.tasks: list[asyncio.Task[None]] = []
        """Of the test; ended with the agent."""
        self.own = SiteSelf() if fleet.get("target") or energy else None
        self._fleet = fleet
        self._energy = energy
        self._board: Board | None = None

    @property
    def board(self) -> Board:
        assert self._board is not None
        return self._board

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[FleetRig]:
        """The agent, from its start to its end; the broker and the machine outlive it."""
        tasks = self.tasks = [asyncio.create_task(self._pump()), asyncio.create_task(self._follow())]
        self._board = Board(self._options(), fleet=self._outside())
        await self._board.start()
        try:
            yield self
        finally:
            await self._board.close()
            self._board = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _outside(self) -> Outside:
        probe = partial(WakeProbe, run=ethtool, cards=cards)
        return Outside(self._connect, self.now_ns, lambda: self.suspended_ns, self._burst, probe)

    def now_ns(self) -> int:
        return time.monotonic_ns() + self.skipped_ns

    def _options(self) -> Options:
        file = self.folder / "board.toml"
        file.write_text(self.profile)
        profile = load_profile(file)
        site = Site(self_=self.own, fleet=self._fleet, energy=self._energy)
        hosts = tuple(host.name for host in profile.hosts)
        fleet = fleet_table(self._fleet, file, "", site, hosts)
        energy = None if self._energy is None else energy_table(self._energy, file, "", (), {})
        return Options(
            profile, file, site, file, self.folder, Override(), keep_world=True, energy=energy, fleet=fleet
        )  # fmt: skip

    def _connect(self, client: str, will: Will | None) -> NodeBus:
        self.wills[client] = will
        return self.broker.connect(client)

    async def _burst(self, macs: Sequence[str], count: int, gap_ns: int, begun: Callable[[], object]) -> None:
        begun()
        self.bursts.append((macs, count))

    async def _pump(self) -> None:
        before_ns = time.monotonic_ns()
        while True:
            now_ns = time.monotonic_ns()
            self.broker.advance(now_ns - before_ns)
            before_ns = now_ns
            await asyncio.sleep(PUMP_S)

    # ------------------------------------------------------------------ the owner

    async def want(self, target: Direction, revision: int, asked_by: Asker = Asker.PERSON, node: str = NODE) -> None:
        document = Target(node=node, target=target, revision=revision, asked_by=asked_by)
        await self.owner.publish(topic(SEGMENT, node, Leaf.TARGET), encode(document), retain=True)

    @property
    def report(self) -> Report | None:
        """What the node says of itself now."""
        return self.reports[-1] if self.reports else None

    def says(self, text: str) -> Callable[[], bool]:
        """Whether its report gives this reason."""
        return lambda: self.report is not None and text in self.report.reason

    async def _follow(self) -> None:
        async for message in self.owner.subscribe(topic(SEGMENT, NODE, Leaf.REPORT)):
            document = decode(message.payload, Leaf.REPORT, NODE)
            assert isinstance(document, Report)
            self.reports.append(document)

    # ------------------------------------------------------------------ the machine

    @property
    def powered(self) -> bool:
        return self.board.services.hosts["0"].view().powered

    async def switch(self, action: Action) -> None:
        """What a person does at a face."""
        await self.until(lambda: self.board.services.hosts["0"].power_good is not None)
        reply = await self.board.services.manager.run("0", Request(action, "test"))
        assert reply.verdict is Verdict.DONE, reply

    def asked(self) -> list[str]:
        """Operations of the fleet, in order."""
        return [one.what for one in self.board.services.operations.all() if one.origin == f"fleet:{NODE}"]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.01)
