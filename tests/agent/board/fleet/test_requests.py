# SPDX-License-Identifier: Apache-2.0
"""`fleet/get` explains what machines do and keeps to its schema; health names what a person should look at."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
from jsonschema import Draft202012Validator

from agent.board.health import problems
from agent.fleet.node.documents import Direction, encode
from agent.fleet.node.topics import Leaf, topic
from agent.requests.schema import answer_schema
from tests.agent.board.fleet.rig import NODE, PATIENCE_S, SEGMENT, FleetRig
from tests.agent.board.fleet.test_own_machine import neighbour, own_rig, say_that_ant_sleeps
from tests.agent.fleet.node.reports import report_of

if TYPE_CHECKING:
    from pathlib import Path

S = 1_000_000_000
UP, DOWN = Direction.UP, Direction.DOWN


async def asked(rig: FleetRig) -> dict[str, Any]:
    endpoint = rig.board.endpoints["fleet/get"]
    (answer,) = [answer async for answer in endpoint.answers({}, "test")]
    assert answer.ok, answer
    data = json.loads(json.dumps(answer.data))
    Draft202012Validator(answer_schema(endpoint)).validate(data)
    return dict(data)


async def machine(rig: FleetRig) -> dict[str, Any]:
    (one,) = (await asked(rig))["machines"]
    return dict(one)


def told(rig: FleetRig) -> list[tuple[str, str]]:
    return [problem for problem in problems(rig.board.services) if problem[0].startswith("fleet")]


def test_a_machine_that_stays_up_says_why_and_whom_it_wakes(tmp_path: Path) -> None:
    rig = own_rig(tmp_path, pinned="it is the broker")

    async def play() -> None:
        async with rig.running():
            await say_that_ant_sleeps(rig)
            await rig.want(UP, 2, node="ant")
            await rig.want(DOWN, 7)
            await rig.until(rig.says("pinned: it is the broker"))
            rig.skipped_ns += 31 * S
            await rig.until(lambda: bool(rig.bursts))
            now = await machine(rig)
            assert (now["kind"], now["state"], now["target"], now["condition"]) == (
                "own",
                "up",
                "down",
                "shutting-down",
            )
            assert (now["revision"], now["reason"]) == (7, "pinned: it is the broker")
            assert {one["guard"] for one in now["guards"]} == {"pinned", "last-awake", "just-started"}
            (waking,) = now["waking"]
            assert waking == {
                "node": "ant", "revision": 2, "attempt": 1, "of": 8, "made": True, "given_up": False,
            }  # fmt: skip
            assert now["connected"]
            assert told(rig) == []

    asyncio.run(play())


def test_what_was_promised_and_who_is_awake(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)

    async def play() -> None:
        async with rig.running():
            ant = neighbour(rig)
            ant.start()
            await rig.until(lambda: rig.report is not None and rig.report.able)
            rig.skipped_ns += 160 * S
            await rig.want(DOWN, 1)
            await rig.until((tmp_path / "went").exists)
            now = await machine(rig)
            assert now["promises"]["asked"] == "ant"
            assert 0 < now["promises"]["had_s"] <= 100
            assert now["phase"] == "sleeping"
            await ant.close()

    asyncio.run(play())


def test_health_names_a_broker_that_is_away_and_messages_that_nobody_should_have_written(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.report is not None)
            forged = b'{"type":"target","node":"ant","target":"down","revision":9}'
            await rig.owner.publish(topic(SEGMENT, NODE, Leaf.TARGET), forged)
            await rig.until(lambda: bool(told(rig)))
            assert told(rig) == [
                (
                    f"fleet/{NODE}",
                    "a message was refused (other-node): it is about 'ant' but came on the topic of 'bee'",
                )
            ]
            assert (await machine(rig))["refused"] == {"other-node": 1}
            rig.skipped_ns += 601 * S
            assert told(rig) == []
            assert rig.board.fleet is not None
            node = rig.board.fleet.machines[NODE]
            rig.broker.cut_off.add(NODE)
            await rig.until(lambda: node.unreached_since_ns is not None)
            assert told(rig) == [], "a short break is no problem"
            rig.skipped_ns += 60 * S
            assert told(rig) == [(f"fleet/{NODE}", "the fleet's broker is not reached: the broker is not reached")]
            assert not (await machine(rig))["connected"]
            rig.broker.cut_off.clear()
            await rig.until(lambda: not told(rig))

    asyncio.run(play())


def test_health_names_a_machine_whose_name_another_one_has_too(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.report is not None)
            assert rig.report is not None
            twin = msgspec.structs.replace(rig.report, boot="twin", start=rig.report.start + 1)
            await rig.owner.publish(topic(SEGMENT, NODE, Leaf.REPORT), encode(twin), retain=True)
            await rig.until(lambda: bool(told(rig)))
            why = f"another machine reports as {NODE}, with boot twin: give one of them another name"
            assert told(rig) == [(f"fleet/{NODE}", why)]

    asyncio.run(play())


def test_repeated_messages_are_counted_and_are_no_problem(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.report is not None)
            for _ in range(3):
                await say_that_ant_sleeps(rig)
            async with asyncio.timeout(PATIENCE_S):
                while (now := await machine(rig))["refused"] != {"stale": 2}:
                    await asyncio.sleep(0.02)
            assert "late, or played back" in now["last_refused"]["stale"]
            assert told(rig) == []

    asyncio.run(play())


def test_uptime_goes_on_over_restarts_of_the_agent(tmp_path: Path) -> None:
    rig = own_rig(tmp_path)
    counted: list[float] = []

    async def play() -> None:
        for _ in range(2):
            async with rig.running():
                await rig.until(lambda: rig.report is not None)
                await asyncio.sleep(0.5)
                counted.append((await machine(rig))["uptime_s"])

    asyncio.run(play())
    assert 0 < counted[0] <= counted[1] < counted[0] + 60, "one boot of the computer is counted once"


def test_a_host_and_a_board_without_a_lease(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, {"segment": SEGMENT, "node": "board", "hosts": {"0": {"wakes": NODE}}})

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.board.services.hosts["0"].power_good is not None)
            async with asyncio.timeout(PATIENCE_S):
                while not (found := await asked(rig))["machines"][0]["wakes"]:
                    await asyncio.sleep(0.02)
            assert told(rig) == []
            (now,) = found["machines"]
            assert (now["kind"], now["wakes"], now["able"]) == ("board", [NODE], False)
            assert found["lease"] is None

    asyncio.run(play())


def test_health_names_a_board_that_is_wired_to_another_machine(tmp_path: Path) -> None:
    rig = FleetRig(tmp_path, {"segment": SEGMENT, "node": "board", "hosts": {"0": {"wakes": NODE}}})

    async def play() -> None:
        async with rig.running():
            report = report_of(NODE, UP, sends=True)
            await rig.until(lambda: rig.board.services.hosts["0"].power_good is not None)
            await rig.owner.publish(topic(SEGMENT, NODE, Leaf.REPORT), encode(report), retain=True)
            assert told(rig) == [], "it has just started"
            rig.skipped_ns += 31 * S
            why = f"its power is off while {NODE} says that it is up: it is wired to another machine"
            await rig.until(lambda: told(rig) == [("fleet/board", f"{NODE} cannot be woken from here: {why}")])
            assert (await machine(rig))["wakes"] == []

    asyncio.run(play())


def test_a_node_without_a_card_can_be_woken_while_a_board_says_that_it_could(tmp_path: Path) -> None:
    rig = own_rig(tmp_path, wake_card="eth7")

    async def say(number: int, wakes: tuple[str, ...]) -> None:
        report = report_of("board", UP, number=number, wakes=wakes)
        await rig.owner.publish(topic(SEGMENT, "board", Leaf.REPORT), encode(report), retain=True)

    async def play() -> None:
        async with rig.running():
            await rig.until(lambda: rig.report is not None and not rig.report.able)
            await say(1, (NODE,))
            await rig.until(lambda: rig.report is not None and rig.report.able)
            now = await machine(rig)
            assert (now["able"], now["woken_by"], now["macs"]) == (True, ["board"], [])
            await say(2, ())
            await rig.until(lambda: rig.report is not None and not rig.report.able)
            async with asyncio.timeout(30):
                while (
                    "no network card 'eth7'" not in (await machine(rig))["unable"]
                ):  # its cards are looked at meanwhile
                    await asyncio.sleep(0.02)

    asyncio.run(play())
