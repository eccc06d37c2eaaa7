# SPDX-License-Identifier: Apache-2.0
"""A board that wakes a node by the host it is wired to: when it is its turn, once, and never a machine that runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.events.event import EventKind
from agent.fleet.node.documents import Direction, Gone, Report, WakeSent, decode, encode
from agent.fleet.node.topics import Leaf, topic
from agent.power.request import Action
from tests.agent.board.fleet.rig import HOST, NODE, SEGMENT, FleetRig
from tests.agent.fleet.node.reports import report_of

if TYPE_CHECKING:
    from pathlib import Path

S = 1_000_000_000
SETTLE_NS = 31 * S
UP, DOWN = Direction.UP, Direction.DOWN
BOARD = "board"
FLEET: dict[str, Any] = {"segment": SEGMENT, "node": BOARD, "hosts": {"0": {"wakes": NODE}}}


def asleep(number: int = 1) -> Report:
    return report_of(NODE, DOWN, target=DOWN, number=number, able=True, last=True, sends=True)


async def say(rig: FleetRig, report: Report) -> None:
    await rig.owner.publish(topic(SEGMENT, NODE, Leaf.REPORT), encode(report), retain=True)


async def is_gone(rig: FleetRig) -> None:
    document = Gone(node=NODE, segment=SEGMENT, boot="k", start=1)
    await rig.owner.publish(topic(SEGMENT, NODE, Leaf.ALIVE), encode(document), retain=True)


def presses(rig: FleetRig) -> list[str]:
    return [one.what for one in rig.board.services.operations.all() if one.origin == f"fleet:{BOARD}"]


async def boards_words(rig: FleetRig) -> list[Report]:
    """What the board says of itself, filled as it says it."""
    found: list[Report] = []

    async def follow() -> None:
        async for message in rig.owner.subscribe(topic(SEGMENT, BOARD, Leaf.REPORT)):
            document = decode(message.payload, Leaf.REPORT, BOARD)
            assert isinstance(document, Report)
            found.append(document)

    rig.tasks.append(asyncio.create_task(follow()))
    return found


def test_a_node_that_should_be_up_is_switched_on_once(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def play() -> None:
        async with rig.running():
            words, sent = await boards_words(rig), []

            async def follow() -> None:
                async for message in rig.owner.subscribe(topic(SEGMENT, NODE, Leaf.WAKE)):
                    sent.append(decode(message.payload, Leaf.WAKE, NODE))

            rig.tasks.append(asyncio.create_task(follow()))
            await rig.until(lambda: bool(words) and words[-1].wakes == (NODE,))
            await say(rig, asleep())
            await is_gone(rig)
            await rig.want(UP, 2)
            await asyncio.sleep(1.5)
            assert presses(rig) == [], "after its own start it waits"
            rig.skipped_ns += SETTLE_NS
            await rig.until(lambda: rig.powered)
            await rig.until(lambda: bool(sent))
            assert sent == [WakeSent(node=NODE, segment=SEGMENT, sender=BOARD, revision=2, attempt=0)]
            for _ in range(3):
                rig.skipped_ns += 600 * S
                await asyncio.sleep(0.5)
            assert presses(rig) == ["on"], "a machine that runs is left alone, however long it says nothing"
        async with rig.running():  # and so it is after a restart
            rig.skipped_ns += SETTLE_NS
            await asyncio.sleep(1.5)
            assert presses(rig) == ["on"]

    asyncio.run(play())


def test_a_board_that_is_cut_off_presses_nothing(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def play() -> None:
        async with rig.running():
            words = await boards_words(rig)
            await rig.until(lambda: bool(words) and words[-1].wakes == (NODE,))
            await say(rig, asleep())
            await is_gone(rig)
            await rig.want(UP, 2)
            await asyncio.sleep(0.5)
            rig.broker.cut_off.add(BOARD)
            rig.skipped_ns += SETTLE_NS
            await asyncio.sleep(2.5)
            assert presses(rig) == []
            rig.broker.cut_off.clear()
            await rig.until(lambda: rig.powered)

    asyncio.run(play())


def test_a_restart_does_not_press_again_in_the_same_attempt(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def play() -> None:
        async with rig.running():
            await say(rig, asleep())
            await is_gone(rig)
            await rig.want(UP, 2)
            rig.skipped_ns += SETTLE_NS
            await rig.until(lambda: presses(rig) == ["on"])
            await rig.until(lambda: rig.powered)
            await rig.switch(Action.FORCE_OFF)  # it was a short life
        async with rig.running():
            rig.skipped_ns += SETTLE_NS
            await asyncio.sleep(2.5)
            assert presses(rig) == ["on"]
            rig.skipped_ns += 181 * S  # the next attempt
            await rig.until(lambda: presses(rig) == ["on", "on"])

    asyncio.run(play())


def test_what_cannot_be_switched_is_not_promised(tmp_path: Path) -> None:
    profile = HOST.replace('power_button = "power"\n', "").replace('power = {direction = "output"', '# {"')
    rig = FleetRig(tmp_path, FLEET, profile=profile)

    async def play() -> None:
        async with rig.running():
            words = await boards_words(rig)
            await rig.until(lambda: bool(words))
            await say(rig, asleep())
            await is_gone(rig)
            await rig.want(UP, 2)
            rig.skipped_ns += SETTLE_NS
            await asyncio.sleep(1.5)
            assert words[-1].wakes == ()
            assert presses(rig) == []

    asyncio.run(play())


def test_a_target_of_the_board_itself_moves_nothing(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, FLEET)

    async def play() -> None:
        async with rig.running():
            words = await boards_words(rig)
            await rig.switch(Action.ON)
            await rig.want(DOWN, 1, node=BOARD)
            await rig.until(lambda: bool(words) and "a board stays up" in words[-1].reason)
            assert rig.powered
            assert presses(rig) == []

    asyncio.run(play())


def test_wakes_that_fail_are_told_seldom_and_counted() -> None:
    from agent.board.fleet.wake_failures import EVERY_NS, WakeFailures

    failures = WakeFailures()
    assert failures.failed("bee", "Network is unreachable", 0) == "bee is not woken from here: Network is unreachable"
    assert [failures.failed(f"n{number}", "x", number) for number in range(50)] == [None] * 50
    assert failures.failed("bee", "y", EVERY_NS) == "bee is not woken from here: y; 50 more since the last such event"
    assert failures.count == 52
    assert EventKind.FLEET_WAKE_FAILED.value == "fleet.wake_failed"


def test_a_plug_or_a_remote_controller_wakes_as_a_button_does(tmp_path: Path) -> None:
    on = tmp_path / "on"
    profile = f"""
schema = 1
name = "plug"
[board]
simulated = true
[adapters.plug]
kind = "command"
on = ["touch", "{on}"]
off = ["rm", "{on}"]
sense = ["test", "-e", "{on}"]
poll_s = 0.1
[[hosts]]
name = "0"
controls = {{on = "plug", off = "plug", sense = "plug"}}
"""
    rig = FleetRig(tmp_path, FLEET, profile=profile)

    async def play() -> None:
        async with rig.running():
            words = await boards_words(rig)
            await rig.until(lambda: bool(words) and words[-1].wakes == (NODE,))
            await say(rig, asleep())
            await is_gone(rig)
            await rig.want(UP, 2)
            rig.skipped_ns += SETTLE_NS
            await rig.until(on.exists)
            assert presses(rig) == ["on"]

    asyncio.run(play())


def test_a_press_that_fails_is_an_event(tmp_path: Path) -> None:
    profile = """
schema = 1
name = "plug"
[board]
simulated = true
[adapters.plug]
kind = "command"
on = ["false"]
sense = ["false"]
poll_s = 0.1
[[hosts]]
name = "0"
controls = {on = "plug", sense = "plug"}
"""
    rig = FleetRig(tmp_path, FLEET, profile=profile)

    async def play() -> None:
        async with rig.running():
            events = rig.board.bus.subscribe("test")
            await say(rig, asleep())
            await is_gone(rig)
            await rig.want(UP, 2)
            await rig.until(lambda: rig.board.services.hosts["0"].power_good is not None)
            rig.skipped_ns += SETTLE_NS
            async with asyncio.timeout(15):
                while (event := await events.get()).kind is not EventKind.FLEET_WAKE_FAILED:
                    pass
            assert event.args[0] == BOARD
            assert "bee is not woken from here: failed" in event.args[1]

    asyncio.run(play())
