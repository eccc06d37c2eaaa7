# SPDX-License-Identifier: Apache-2.0
"""Measurements on one simulated board in this process: start, lag of the loop, emergency idle and busy."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent.board.board import Board
from agent.board.options import Options, Override
from agent.power.policy import OperationPolicies, SafetyPolicies, SequencingPolicies
from agent.power.request import HostState
from agent.profile.load import load_profile
from agent.profile.site import Site, SitePolicy
from bench.power.profile import buttons, profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.sim.world import SimulatedWorld

LAG_EVERY_S = 0.002
BUSY_SLICE_S = 0.004
"""The busy loop's callbacks take so long each, one after another without a pause."""
SETTLE_S = 0.3
PATIENCE_S = 60.0
METHOD = "system/emergency/off"


class Sample(msgspec.Struct, frozen=True):
    """One start and its emergencies."""

    start_s: float
    lags_ms: list[float]
    idle_ms: list[float]
    busy_ms: list[float]
    rss_mb: float


async def measure(folder: Path, emergencies: int) -> Sample:
    """`emergencies` of each kind. Raises TimeoutError when something never happens."""
    file = folder / "board.toml"
    file.write_text(profile())
    policy = SitePolicy(
        safety=SafetyPolicies(max_concurrent_operations=64),
        sequencing=SequencingPolicies(stagger_s=0.0),
        operations=OperationPolicies(timeout_s=60),
    )
    board = Board(Options(load_profile(file), file, Site(policy=policy), None, folder, Override()))
    await board.start()
    try:
        bench = _Bench(board)
        await bench.all_in(HostState.OFF)
        lags: list[float] = []
        async with _lag(lags):
            start_s = await bench.start()
        idle = [await bench.emergency() for _ in range(emergencies)]
        busy = []
        for _ in range(emergencies):
            await bench.start()
            async with _busy():
                busy.append(await bench.fire())
            await bench.all_in(HostState.OFF)
        return Sample(start_s, lags, idle, busy, _rss_mb())
    finally:
        await board.close()


class _Bench:
    """Used on the loop's thread."""

    def __init__(self, board: Board) -> None:
        assert board.world is not None
        self._board = board
        self._watch = _LastPress(board.world)

    async def start(self) -> float:
        """Everything on, in the order of dependencies; seconds."""
        began_s = time.monotonic()
        answers = [a async for a in self._board.endpoints["chassis/power/on"].answers({}, "bench")]
        assert answers[-1].ok, answers[-1].reason
        took_s = time.monotonic() - began_s
        await asyncio.sleep(SETTLE_S)
        return took_s

    async def emergency(self) -> float:
        """Milliseconds; the board is on before and off after."""
        took_ms = await self.fire()
        await self.all_in(HostState.OFF)
        await self.start()
        return took_ms

    async def fire(self) -> float:
        """From the decoded request to the last button's assertion, in milliseconds."""
        self._watch.begin()
        decoded_ns = time.monotonic_ns()
        asking = asyncio.create_task(self._ask())
        last_ns = await self._watch.all_pressed()
        await asking
        return (last_ns - decoded_ns) / 1e6

    async def _ask(self) -> None:
        answers = [a async for a in self._board.endpoints[METHOD].answers({"reason": "bench"}, "bench")]
        assert answers[-1].ok, answers[-1].reason

    async def all_in(self, state: HostState) -> None:
        async with asyncio.timeout(PATIENCE_S):
            hosts = self._board.services.hosts.values()
            while any(host.state is not state for host in hosts):
                await asyncio.sleep(0.01)


class _LastPress:
    """Hears the outputs as the plant does, with the times at which the engine wrote them."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._buttons = frozenset(buttons())
        self._pressed: dict[str, int] = {}
        self._done = asyncio.Event()
        before = world.lines.output_changed

        def heard(name: str, active: bool, now_ns: int) -> None:
            if active and name in self._buttons:
                self._pressed.setdefault(name, now_ns)
                if len(self._pressed) == len(self._buttons):
                    self._done.set()
            before(name, active, now_ns)

        world.lines.output_changed = heard  # type: ignore[method-assign]

    def begin(self) -> None:
        self._pressed.clear()
        self._done.clear()

    async def all_pressed(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            await self._done.wait()
        return max(self._pressed.values())


@contextlib.asynccontextmanager
async def _lag(into: list[float]) -> AsyncIterator[None]:
    """How late the loop runs what is due, in milliseconds."""

    async def look() -> None:
        while True:
            due_s = time.monotonic() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            into.append(max(0.0, time.monotonic() - due_s) * 1e3)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _busy() -> AsyncIterator[None]:
    """Callbacks that compute, one after another, for as long as the block lasts."""
    loop, going = asyncio.get_running_loop(), True

    def compute() -> None:
        until_s = time.monotonic() + BUSY_SLICE_S
        while time.monotonic() < until_s:
            pass
        if going:
            loop.call_soon(compute)

    loop.call_soon(compute)
    await asyncio.sleep(0)
    try:
        yield
    finally:
        going = False


def _rss_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status has no VmRSS")
