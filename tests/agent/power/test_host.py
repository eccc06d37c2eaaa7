# SPDX-License-Identifier: Apache-2.0
"""A host on the real line engine over memory lines, with the simulated plant behind them."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent.board.lines import open_memory_lines
from agent.board.services import Services
from agent.events.bus import EventBus
from agent.power.operations import Operations
from agent.power.request import Action, HostState, Request, Verdict
from agent.profile.load import find_profile, load_profile
from agent.profile.site import SitePolicy
from agent.sim.plant import Plant
from agent.sim.world import SimulatedWorld
from agent.store.database import Database
from agent.store.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from agent.events.event import Event
    from agent.power.host import Host


STALL_S = 1.0
"""So long the loop is stuck: five presses."""


class Journal:
    def __init__(self) -> None:
        self.kinds: list[str] = []

    async def write(self, events: Sequence[Event]) -> None:
        self.kinds += [event.kind.value for event in events]


class Scene:
    """A board with one host and nothing on its buses."""

    def __init__(self, folder: Path) -> None:
        text = find_profile("sim").read_text().split("[buses.main]")[0]
        text = text.replace("soft_off_timeout_ms = 15000", "soft_off_timeout_ms = 300")
        text = text.replace("power_on_timeout_ms = 5000", "power_on_timeout_ms = 600")
        text = text.replace("cycle_off_ms = 2000", "cycle_off_ms = 100")
        file = folder / "scene.toml"
        file.write_text(text)
        self.profile = load_profile(file)
        self.lines = open_memory_lines(self.profile)
        assert self.lines.chip is not None
        self.plant = Plant(self.profile, time.monotonic_ns())
        self.world = SimulatedWorld(self.profile, self.plant, self.lines.chip)
        self.database = Database(folder / "state.db")
        self.journal = Journal()
        self.bus = EventBus(self.journal, 1, "boot")
        self.services = Services(
            self.profile, self.lines, {}, Settings(self.database), self.bus, SitePolicy(), Operations(self.bus.boot)
        )

    @property
    def host(self) -> Host:
        return self.services.hosts["0"]

    async def until(self, state: HostState) -> None:
        async with asyncio.timeout(20):
            while self.host.view().state is not state:
                await asyncio.sleep(0.005)

    async def run(self, action: Action, force: bool = False) -> Verdict:
        return (await self.host.run(Request(action, "test", force))).verdict


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    made = Scene(folder)
    made.bus.start()
    made.world.start()
    made.services.start()
    try:
        await made.until(HostState.OFF)
        yield made
    finally:
        await made.services.close()
        made.world.close()
        await made.bus.close()
        made.lines.close()
        made.database.close()


def test_every_action_is_closed_loop(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as board:
            assert await board.run(Action.RESET) is Verdict.NOT_IN_THIS_STATE
            assert await board.run(Action.ON) is Verdict.DONE
            assert board.plant.hosts["0"].presses == 1
            assert await board.run(Action.ON) is Verdict.DONE
            assert board.plant.hosts["0"].presses == 1
            assert await board.run(Action.RESET) is Verdict.DONE
            assert board.plant.hosts["0"].resets == 1
            assert await board.run(Action.NMI) is Verdict.DONE
            assert await board.run(Action.CYCLE) is Verdict.DONE
            assert board.host.view().state is HostState.ON
            assert await board.run(Action.FORCE_OFF) is Verdict.DONE
            assert await board.run(Action.FORCE_OFF) is Verdict.DONE
            await board.bus.drain()
            assert board.journal.kinds == ["host.on", "host.reset", "host.nmi", "host.off", "host.on", "host.off"]

    asyncio.run(scenario())


def test_ignored_soft_off_is_overtaken_by_a_forced_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as board:
            await board.run(Action.ON)
            board.world.happen(["host", "0", "ignore-soft-off"])
            assert await board.run(Action.SOFT_OFF) is Verdict.FAILED
            assert board.host.view().state is HostState.ON
            soft = asyncio.create_task(board.run(Action.SOFT_OFF))
            await asyncio.sleep(0.25)
            assert await board.run(Action.CYCLE) is Verdict.BUSY
            assert await board.run(Action.FORCE_OFF) is Verdict.DONE
            assert await soft is Verdict.FAILED

    asyncio.run(scenario())


def test_host_without_mains_is_a_fault_until_power_good_is_seen(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as board:
            board.plant.hosts["0"].feed(False, time.monotonic_ns())
            board.plant._settle = lambda now_ns: None  # type: ignore[method-assign]  # nothing feeds it again
            assert await board.run(Action.ON) is Verdict.FAILED
            assert board.host.view().state is HostState.FAULT
            assert await board.run(Action.ON) is Verdict.UNVERIFIED
            assert await board.run(Action.ON, force=True) is Verdict.FAILED
            board.plant.hosts["0"].feed(True, time.monotonic_ns())
            assert await board.run(Action.ON, force=True) is Verdict.DONE
            assert board.host.view().state is HostState.ON

    asyncio.run(scenario())


def test_crash_is_told_and_nothing_is_pressed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as board:
            await board.run(Action.ON)
            presses = board.plant.hosts["0"].presses
            board.world.happen(["host", "0", "crash"])
            await board.until(HostState.OFF)
            await board.bus.drain()
            assert board.journal.kinds[-1] == "host.power_lost"
            assert board.plant.hosts["0"].presses == presses

    asyncio.run(scenario())


def test_presses_keep_their_width_while_python_is_busy(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as board:
            await board.run(Action.ON)
            changes: list[tuple[int, bool]] = []
            pressed = board.plant.power_button

            def noted(host: str, active: bool, now_ns: int) -> None:
                changes.append((now_ns, active))
                pressed(host, active, now_ns)

            board.world.lines.drives["power-button"] = (noted, "0")
            board.host.ask(Request(Action.SOFT_OFF, "test"))
            time.sleep(STALL_S)  # noqa: ASYNC251  (the very thing that must not lengthen the press)
            await board.until(HostState.OFF)
            (begun_ns, down), (ended_ns, up) = changes[:2]
            assert (down, up) == (True, False)
            assert ended_ns - begun_ns < STALL_S * 1e9

    asyncio.run(scenario())


@pytest.mark.parametrize("action", [Action.SOFT_OFF, Action.FORCE_OFF])
def test_off_when_off_presses_nothing(tmp_path: Path, action: Action) -> None:
    async def scenario() -> None:
        async with scene(tmp_path) as board:
            assert await board.run(action) is Verdict.DONE
            assert board.plant.hosts["0"].presses == 0

    asyncio.run(scenario())
