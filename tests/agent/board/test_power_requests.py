# SPDX-License-Identifier: Apache-2.0
"""Requests that act on several domains: order, conflicts, emergencies; idempotent keys, aborts, bad arguments."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from agent.events.event import EventKind
from agent.power.request import Action, HostState, Request, Verdict
from tests.agent.board.boards import on_a_board

if TYPE_CHECKING:
    from pathlib import Path

    from agent.requests.endpoint import Answer
    from tests.agent.board.boards import RunningBoard

PROFILE = """
schema = 1
name = "rack"
[board]
simulated = true
[lines]
main = {direction = "output", class = "maintained"}
main-good = {direction = "input"}
{lines}
[[domains]]
name = "main"
type = "chassis"
controls = ["main"]
power_good = ["main-good"]
start_delay_ms = 50
{hosts}
"""
LINES = """
power-{n} = {{direction = "output", class = "momentary", max_press_ms = 6000}}
good-{n} = {{direction = "input"}}
"""
HOST = """
[[hosts]]
name = "{n}"
power_good = "good-{n}"
power_button = "power-{n}"
timing = {{force_off_ms = 6000, soft_off_timeout_ms = 4000}}
[[domains]]
name = "{n}"
type = "host"
needs = ["main"]
"""
NAMES = ("0", "1")
RACK = PROFILE.replace("{lines}", "".join(LINES.format(n=n) for n in NAMES)).replace(
    "{hosts}", "".join(HOST.format(n=n) for n in NAMES)
)


async def ask(running: RunningBoard, method: str, **arguments: Any) -> list[Answer]:
    endpoint = running.board.endpoints[method]
    return [answer async for answer in endpoint.answers(arguments, "mqtt:me")]


def verdicts(answers: list[Answer]) -> list[str]:
    return [answers[0].verdict, answers[-1].verdict]


def states(running: RunningBoard) -> dict[str, HostState]:
    return {name: there.state for name, there in running.board.services.power.facts.items()}


async def settled(running: RunningBoard) -> None:
    await running.until(lambda: HostState.UNKNOWN not in states(running).values())


def sim(running: RunningBoard, words: str) -> None:
    assert running.board.world is not None
    running.board.world.happen(words.split())


def test_the_chassis_starts_needs_first_and_stops_in_reverse(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        answers = await ask(running, "chassis/power/on")
        assert verdicts(answers) == ["accepted", "done"]
        assert len({answer.operation for answer in answers}) == 1
        steps = [step["text"] for step in answers[-1].data["steps"]]  # type: ignore[index]
        started = [text for text in steps if text.endswith(": on")]
        assert started == ["chassis/main: on", "host/0: on", "host/1: on"]
        assert set(states(running).values()) == {HostState.ON}
        answers = await ask(running, "chassis/power/off")
        assert verdicts(answers) == ["accepted", "done"]
        steps = [step["text"] for step in answers[-1].data["steps"]]  # type: ignore[index]
        assert [text for text in steps if text.endswith(": off")][-1] == "chassis/main: off"
        assert set(states(running).values()) == {HostState.OFF}

    on_a_board(tmp_path, RACK, story)


def test_a_host_takes_along_what_it_needs_and_keeps_it(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        assert verdicts(await ask(running, "hosts/power/on", host="1")) == ["accepted", "done"]
        assert states(running) == {"main": HostState.ON, "0": HostState.OFF, "1": HostState.ON}
        (refused,) = await ask(running, "domains/power/off", domain="main")
        assert refused.verdict == "blocked"
        assert refused.reason.startswith("dependencies: host/1 needs it and is on")
        assert verdicts(await ask(running, "hosts/power/off", host="1", mode="force")) == ["accepted", "done"]
        assert verdicts(await ask(running, "domains/power/off", domain="main")) == ["accepted", "done"]
        assert verdicts(await ask(running, "domains/power/off", domain="fans")) == ["unknown-domain"] * 2

    on_a_board(tmp_path, RACK, story)


def test_one_that_fails_is_named_and_the_rest_is_switched(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        sim(running, "host 0 no-power-good")
        answers = await ask(running, "chassis/power/on")
        assert answers[-1].verdict == "failed"
        assert answers[-1].reason.startswith("host/0: failed power-good did not rise")
        assert states(running) == {"main": HostState.ON, "0": HostState.FAULT, "1": HostState.ON}

    on_a_board(tmp_path, RACK.replace("soft_off_timeout_ms", "power_on_timeout_ms = 900, soft_off_timeout_ms"), story)


def test_a_rail_without_power_good_is_tried_again_and_holds_back_what_needs_it(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        sim(running, "rail main never")
        answers = await ask(running, "hosts/power/on", host="0")
        assert answers[-1].verdict == "failed"
        assert "chassis/main: failed power-good did not come within 0.2 s" in answers[-1].reason
        assert "host/0: blocked dependencies: needs chassis/main" in answers[-1].reason
        assert running.board.world is not None
        raised = running.board.world.lines.record["main"]
        assert raised.rises == 3
        assert states(running) == {"main": HostState.FAULT, "0": HostState.OFF, "1": HostState.OFF}

    on_a_board(tmp_path, RACK.replace("start_delay_ms = 50", "power_good_ms = 200"), story)


def test_what_works_on_a_host_keeps_others_away(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        first = asyncio.create_task(ask(running, "chassis/power/on"))
        await running.until(lambda: states(running)["0"] is HostState.POWERING_ON)
        (refused,) = await ask(running, "chassis/power/off")
        assert (refused.verdict, refused.reason) == ("busy", "on is still running on host/0")
        assert verdicts(await first)[-1] == "done"

    on_a_board(tmp_path, RACK, story)


def test_an_emergency_overtakes_everything(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        on = asyncio.create_task(ask(running, "chassis/power/on"))
        await running.until(lambda: states(running)["0"] is HostState.ON)
        answers = await ask(running, "system/emergency/off", reason="smoke")
        assert verdicts(answers) == ["accepted", "done"]
        assert (await on)[-1].verdict in ("aborted", "failed")
        there = states(running)
        assert (there["0"], there["1"]) == (HostState.OFF, HostState.OFF)
        event = await running.hear(EventKind.POWER_EMERGENCY)
        assert event.args == ("host/0, host/1", "mqtt:me", "smoke")
        assert verdicts(await ask(running, "hosts/power/on", host="0")) == ["accepted", "done"]

    on_a_board(tmp_path, RACK, story)


def test_an_emergency_tells_off_from_power_lost(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        await ask(running, "hosts/power/on", host="0")
        await ask(running, "system/emergency/off")
        await running.board.bus.drain()
        kinds = [event["kind"] for event in await running.board.journal.latest(50)]
        assert "host.off" in kinds
        assert "host.power_lost" not in kinds
        assert not any(str(kind).startswith("interlock") for kind in kinds)

    on_a_board(tmp_path, RACK, story)


def test_an_operation_goes_on_when_nobody_listens(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        asking = asyncio.create_task(ask(running, "chassis/power/on"))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await running.until(lambda: set(states(running).values()) == {HostState.ON})

    on_a_board(tmp_path, RACK, story)


def test_the_same_key_is_the_same_operation(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        first = asyncio.create_task(ask(running, "hosts/power/on", host="0", key="job-7"))
        await running.until(lambda: states(running)["0"] is HostState.POWERING_ON)
        again = await ask(running, "hosts/power/on", host="0", key="job-7")
        assert again[0].operation == (await first)[0].operation
        assert verdicts(again) == ["accepted", "done"]
        await ask(running, "hosts/power/off", host="0", mode="force")
        (later,) = await ask(running, "hosts/power/on", host="0", key="job-7")
        assert later.verdict == "done"
        assert states(running)["0"] is HostState.OFF

    on_a_board(tmp_path, RACK, story)


def test_an_abort_begins_nothing_more(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        on = asyncio.create_task(ask(running, "chassis/power/on"))
        await running.until(lambda: states(running)["0"] is HostState.POWERING_ON)
        operation = running.board.services.operations.of_target("host/0")
        (aborted,) = await ask(running, "operations/abort", id=operation)
        assert aborted.verdict == "done"
        last = (await on)[-1]
        assert (last.verdict, last.reason) == ("aborted", "by mqtt:me")
        assert states(running)["1"] is HostState.OFF
        assert states(running)["0"] is HostState.ON  # what was begun went on to its end
        (late,) = await ask(running, "operations/abort", id=operation)
        assert late.verdict == "not-in-this-state"

    on_a_board(tmp_path, RACK, story)


@pytest.mark.parametrize(
    ("method", "arguments", "verdict"),
    [
        ("hosts/reset", {"host": "9"}, "unknown-host"),
        ("hosts/power/off", {"mode": "hard"}, "bad-arguments"),
        ("operations/abort", {"id": "no such"}, "unknown-operation"),
        ("domains/power/on", {}, "bad-arguments"),
    ],
)
def test_bad_arguments(tmp_path: Path, method: str, arguments: dict[str, Any], verdict: str) -> None:
    async def story(running: RunningBoard) -> None:
        assert [answer.verdict for answer in await ask(running, method, **arguments)] == [verdict]

    on_a_board(tmp_path, RACK, story)


def test_a_board_without_hosts_says_so(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        for method in ("chassis/power/on", "system/emergency/off", "hosts/power/on"):
            assert [answer.verdict for answer in await ask(running, method)] == ["unknown-host"]

    on_a_board(tmp_path, 'schema = 1\nname = "bare"\n[board]\nsimulated = true\n', story)


def test_whoever_asks_it_is_an_operation(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await settled(running)
        manager = running.board.services.manager
        assert (await manager.run("0", Request(Action.ON, "ipmi:admin"))).verdict is Verdict.DONE
        assert (await manager.run("0", Request(Action.ON, "ipmi:admin"))).verdict is Verdict.DONE
        (operation,) = running.board.services.operations.all()
        assert (operation.what, operation.origin, operation.targets) == ("on", "ipmi:admin", ("host/0",))
        audit = await running.board.audit.latest(10)
        assert {line["what"] for line in audit} == {"on"}
        assert [line["verdict"] for line in audit] == ["accepted", "done", "done"]

    on_a_board(tmp_path, RACK, story)
