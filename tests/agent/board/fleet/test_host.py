# SPDX-License-Identifier: Apache-2.0
"""A host of a board follows its target: through the power manager, once per revision, over restarts of the agent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.fleet.node.documents import Asker, Condition, Direction
from agent.fleet.node.topics import Leaf, topic
from agent.power.request import Action
from tests.agent.board.fleet.rig import NODE, SEGMENT, FleetRig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

UP, DOWN = Direction.UP, Direction.DOWN
FLEET: dict[str, Any] = {"segment": SEGMENT, "hosts": {"0": {"node": NODE}}}
QUIET_S = 2.5
"""Longer than any step of the machine: what was to happen has happened."""


def played(rig: FleetRig, *stories: Callable[[], Awaitable[None]]) -> None:
    """Each story in an agent of its own, one after another."""

    async def play() -> None:
        for story in stories:
            async with rig.running():
                await story()

    asyncio.run(play())


def test_down_is_a_last_report_and_a_soft_off_and_up_is_a_power_on(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def story() -> None:
        await rig.switch(Action.ON)
        await rig.until(lambda: rig.report is not None and rig.report.state is UP)
        await rig.want(DOWN, 1)
        await rig.until(lambda: not rig.powered)
        await rig.until(lambda: rig.report is not None and rig.report.condition is Condition.OFF)
        assert rig.asked() == ["soft-off"]
        told = [(report.last, report.state) for report in rig.reports if report.target is DOWN]
        assert [state for last, state in told if last] == [UP]
        assert told.index((True, UP)) < told.index((False, DOWN))
        await rig.want(UP, 2)
        await rig.until(lambda: rig.report is not None and rig.report.condition is Condition.ON)
        assert rig.asked() == ["soft-off", "on"]

    played(rig, story)


def test_a_guard_keeps_it_up_and_says_why(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def story() -> None:
        await rig.switch(Action.ON)
        await rig.want(UP, 1)
        await rig.until(lambda: rig.report is not None and rig.report.target is UP and rig.report.state is UP)
        await rig.want(DOWN, 2, Asker.AUTOMATION)
        await rig.until(rig.says("switched on less than 30 min ago"))
        await asyncio.sleep(QUIET_S)
        assert rig.powered
        assert rig.asked() == []
        await rig.want(DOWN, 3, Asker.PERSON)
        await rig.until(lambda: not rig.powered)

    played(rig, story)


def test_pinned_and_in_use_keep_it_up(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("alice\n")
    host = {"node": NODE, "users_command": ("cat", str(users))}
    for rig, reason in (
        (FleetRig(tmp_path, FLEET | {"hosts": {"0": host}}), "in use by alice"),
        (FleetRig(tmp_path, FLEET | {"hosts": {"0": host | {"pinned": "it serves files"}}}), "pinned: it serves files"),
        (FleetRig(tmp_path, FLEET | {"hosts": {"0": host | {"users_command": ("false",)}}}), "not known whether"),
    ):

        async def story(rig: FleetRig = rig, reason: str = reason) -> None:
            await rig.switch(Action.ON)
            await rig.want(DOWN, 1)
            await rig.until(rig.says(reason))
            assert rig.powered
            assert rig.asked() == []

        played(rig, story)


def test_a_target_that_came_while_the_agent_was_away_is_followed_once(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def before() -> None:
        await rig.switch(Action.ON)
        await rig.until(lambda: rig.report is not None and rig.report.state is UP)

    async def after() -> None:
        await rig.until(lambda: not rig.powered and rig.report is not None and rig.report.condition is Condition.OFF)
        assert rig.asked() == ["soft-off"]

    async def switched_on_by_a_person() -> None:
        await rig.switch(Action.ON)
        await rig.until(rig.says("somebody else has switched it on"))
        await asyncio.sleep(QUIET_S)
        assert rig.powered
        assert rig.asked() == ["soft-off"]

    async def play() -> None:
        async with rig.running():
            await before()
        await rig.want(DOWN, 1)
        for story in (after, switched_on_by_a_person):
            async with rig.running():
                await story()

    asyncio.run(play())


def test_a_press_that_the_end_of_the_agent_has_cut_short_is_not_repeated(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def begin() -> None:
        await rig.switch(Action.ON)
        await rig.want(DOWN, 1)
        await rig.until(lambda: rig.asked() == ["soft-off"])

    async def end() -> None:
        await rig.until(rig.says("told to go down 1 times, and not again for this revision"))
        await asyncio.sleep(QUIET_S)
        assert rig.powered
        assert rig.asked() == ["soft-off"]
        await rig.want(DOWN, 2)
        await rig.until(lambda: not rig.powered)

    played(rig, begin, end)


def test_hostile_messages_move_nothing(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def story() -> None:
        await rig.switch(Action.ON)
        for payload in (b"", b"{", b'{"type":"target","node":"ant","target":"down","revision":1}', b"\xff" * 5000):
            await rig.owner.publish(topic(SEGMENT, NODE, Leaf.TARGET), payload)
        core = rig.board.fleet.machines[NODE].core if rig.board.fleet else None
        assert core is not None
        await rig.until(lambda: sum(core.refusals.count.values()) == 3)
        await asyncio.sleep(QUIET_S)
        assert rig.powered
        assert rig.asked() == []

    played(rig, story)


def test_without_a_broker_it_stays_up_and_obeys_when_the_broker_is_back(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def story() -> None:
        await rig.switch(Action.ON)
        await rig.until(lambda: rig.report is not None and rig.report.state is UP)
        rig.broker.cut_off.add(NODE)
        await rig.want(DOWN, 1)
        await asyncio.sleep(QUIET_S)
        assert rig.powered
        rig.broker.cut_off.clear()
        await rig.want(DOWN, 1)  # a broker's client is given retained messages anew when it connects again
        await rig.until(lambda: not rig.powered)

    played(rig, story)


def test_its_will_says_that_it_is_gone(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def story() -> None:
        will = rig.wills[NODE]
        assert will is not None
        where, payload = will()
        assert where == topic(SEGMENT, NODE, Leaf.ALIVE)
        assert b'"gone"' in payload

    played(rig, story)
