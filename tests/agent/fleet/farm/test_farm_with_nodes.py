# SPDX-License-Identifier: Apache-2.0
"""The automation and its machines together, in bad weather: they come to rest, and work gets its machines."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING

import pytest

from agent.fleet.memory_bus import Weather
from agent.fleet.node.documents import Asker, Direction
from agent.fleet.node.load import Shares
from tests.agent.fleet.farm.farm_world import IDLE, World

if TYPE_CHECKING:
    from pathlib import Path

UP, DOWN = Direction.UP, Direction.DOWN
SIX = ["ant", "bee", "cat", "dog", "eel", "fox"]


@pytest.mark.parametrize("seed", range(3))
def test_what_nobody_needs_sleeps_and_stays_asleep(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path, SIX, seed)
    world.start_farm("one")

    async def play() -> None:
        await world.run(2)
        assert len(world.up()) == 1
        assert all(box.boots == 1 for box in world.boxes.values()), "none was woken for nothing"
        written = len(world.wanted)
        await world.run(2)
        assert len(world.up()) == 1
        assert len(world.wanted) == written, "there is nothing left to ask for"
        assert sum(world.sleeps.values()) == 5

    asyncio.run(play())


def test_work_larger_than_any_machine_wakes_several_once_and_lets_them_go(tmp_path: Path) -> None:
    world = World(tmp_path, SIX, 7)
    farm = world.start_farm("one")

    async def play() -> None:
        await world.run(2)
        assert len(world.up()) == 1
        await world.demand("batch", cpu=30)
        await world.run(1)
        assert len(world.up()) == 4, farm.status()  # 30.5 / 0.8 = 38
        assert farm.status()["unmet"] == {}
        for name in world.up():  # the work has begun
            world.boxes[name].shares = Shares(0.75, 0.2)
        await world.no_demand("batch")
        boots, sleeps = world.boots(), dict(world.sleeps)
        await world.run(3)
        assert (world.boots(), dict(world.sleeps)) == (boots, sleeps), "nothing flaps while the work goes on"
        for box in world.boxes.values():
            box.shares = IDLE
        await world.run(2)
        assert len(world.up()) == 1
        assert max(world.boots().values()) == 2

    asyncio.run(play())


def test_what_does_not_come_up_is_replaced_and_what_is_too_much_is_said(tmp_path: Path) -> None:
    world = World(tmp_path, SIX, 11)
    farm = world.start_farm("one")

    async def play() -> None:
        await world.run(2)
        (awake,) = world.up()
        broken = next(name for name in SIX if name != awake)
        world.boxes[broken].dead = True
        await world.demand("batch", cpu=35)
        await world.run(2.5)
        assert world.up() == set(SIX) - {broken}, farm.status()
        await world.demand("more", cpu=100)
        await world.run(0.25)
        assert farm.status()["unmet"]["cpu"] > 0

    asyncio.run(play())


def test_a_daily_wake_comes_for_each_machine_once_one_at_a_time_whoever_leads(tmp_path: Path) -> None:
    world = World(tmp_path, SIX[:4], 3, daily_at=datetime.time(3, 0))
    world.start_farm("one")
    world.start_farm("two")

    async def play() -> None:
        await world.run(2.5)
        assert len(world.up()) == 1
        asleep = set(SIX[:4]) - world.up()
        world.most_waking = 0
        await world.run(1)
        assert {target.reason.partition(":")[0] for target in world.wanted if target.target is UP} == {"daily"}
        world.kill_farm(next(name for name, farm in world.farms.items() if farm.leads))
        await world.run(3)
        assert world.most_waking == 1
        woken = [target.node for target in world.wanted if target.target is UP]
        assert sorted(woken) == sorted(set(woken)), "each once, over the change of who leads"
        assert asleep <= set(woken)
        assert {name for name, boots in world.boots().items() if boots > 1} == set(woken)
        assert len(world.up()) == 1

    asyncio.run(play())


def test_an_unseen_machine_is_woken_and_random_wakes_are_spread(tmp_path: Path) -> None:
    calm = Weather()
    world = World(tmp_path, SIX[:3], 5, calm, unseen_s=6 * 3600)
    world.start_farm("one")

    async def play() -> None:
        await world.run(7.5)
        assert {target.reason.partition(":")[0] for target in world.wanted if target.target is UP} == {"urgent"}
        assert world.most_waking == 1
        assert sorted(world.boots().values()) == [1, 2, 2]

    asyncio.run(play())


def test_what_a_person_has_set_is_left_alone_until_it_is_handed_back(tmp_path: Path) -> None:
    world = World(tmp_path, SIX[:4], 2)
    farm = world.start_farm("one")

    async def play() -> None:
        await world.person_wants("bee", UP, 5)
        await world.person_wants("cat", DOWN, 9)
        await world.run(2)
        await world.demand("batch", cpu=39)
        await world.run(2)
        assert {target.node for target in world.wanted} <= {"ant", "dog"}
        assert "bee" in world.up()
        assert "cat" not in world.up()
        await world.no_demand("batch")
        await farm.hand_back("bee", "anna")
        kept = world.target("bee")
        assert kept is not None
        assert (kept.target, kept.revision, kept.asked_by) == (UP, 6, Asker.AUTOMATION)
        await farm.hand_back("cat", "anna")
        await world.run(2)
        assert len(world.up()) == 1

    asyncio.run(play())


def test_crashes_and_restarts_end_in_rest(tmp_path: Path) -> None:
    world = World(tmp_path, SIX, 13)
    world.start_farm("one")

    async def play() -> None:
        for hour in range(8):
            await world.run(0.2)
            world.crash(world.random.choice(SIX), reboot=world.random.random() < 0.7)
            if hour == 4:
                world.kill_farm("one")
                world.start_farm("one")
        await world.run(3)
        assert len(world.up()) == 1
        written = len(world.wanted)
        await world.run(1)
        assert len(world.wanted) == written

    asyncio.run(play())
