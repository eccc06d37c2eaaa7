# SPDX-License-Identifier: Apache-2.0
"""Requests that act on several hosts: order, conflicts, emergencies; and on one, over the real machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from agent.board.power_requests import PowerRequests
from agent.power.operations import Operations
from agent.power.request import Action, Reply, Request, Verdict
from tests.agent.power.test_host import scene

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from agent.power.host import Host
    from agent.requests.endpoint import Answer


class SlowHost:
    """Takes its time, one request after another, and says busy meanwhile as real ones do."""

    def __init__(self, name: str, log: list[str], takes_s: float = 0.05, reply: Reply | None = None) -> None:
        self.name = name
        self.source = f"host/{name}"
        self.powered = False
        self._log = log
        self._takes_s = takes_s
        self._reply = Reply(Verdict.DONE) if reply is None else reply
        self._running = False

    async def run(self, request: Request) -> Reply:
        if self._running:
            return Reply(Verdict.BUSY, "on is still running")
        self._running = True
        self._log.append(f"{self.name} {request.action.value}")
        # What a host has begun goes on when nobody waits for it any more.
        return await asyncio.shield(asyncio.create_task(self._act(request)))

    async def _act(self, request: Request) -> Reply:
        await asyncio.sleep(self._takes_s)
        self._running = False
        self.powered = request.action is Action.ON
        self._log.append(f"{self.name} ended")
        return self._reply


class Bench:
    def __init__(self, *replies: Reply | None) -> None:
        self.log: list[str] = []
        self.hosts = {str(n): SlowHost(str(n), self.log, reply=reply) for n, reply in enumerate(replies)}
        self.operations = Operations("b")
        self.requests = PowerRequests(cast("Mapping[str, Host]", self.hosts), self.operations)

    async def ask(self, method: str, arguments: dict[str, Any] | None = None) -> list[Answer]:
        return [answer async for answer in self.requests.table()[method].answers(arguments or {}, "test")]


def on_a_bench(bench: Bench, test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(20):
            await test(bench)

    asyncio.run(run())


def verdicts(answers: list[Answer]) -> list[str]:
    return [answer.verdict for answer in answers]


def test_on_is_one_after_another_in_the_order_of_the_profile() -> None:
    async def test(bench: Bench) -> None:
        answers = await bench.ask("chassis/power/on")
        assert bench.log == ["0 on", "0 ended", "1 on", "1 ended", "2 on", "2 ended"]
        assert verdicts(answers)[0] == "accepted"
        assert verdicts(answers)[-1] == "done"
        assert [answer.final for answer in answers] == [False] * (len(answers) - 1) + [True]
        assert len({answer.operation for answer in answers}) == 1

    on_a_bench(Bench(None, None, None), test)


def test_off_is_at_once_and_soft() -> None:
    async def test(bench: Bench) -> None:
        await bench.ask("chassis/power/off")
        assert bench.log[:2] == ["0 soft-off", "1 soft-off"]
        bench.log.clear()
        await bench.ask("chassis/power/off", {"mode": "force"})
        assert bench.log[:2] == ["0 force-off", "1 force-off"]

    on_a_bench(Bench(None, None), test)


def test_one_that_fails_is_named_and_the_others_are_switched() -> None:
    async def test(bench: Bench) -> None:
        answers = await bench.ask("chassis/power/on")
        assert answers[-1].verdict == "failed"
        assert answers[-1].reason == "host 0: failed no power-good"
        assert bench.log[2] == "1 on"

    on_a_bench(Bench(Reply(Verdict.FAILED, "no power-good"), None), test)


def test_two_at_a_time_are_refused() -> None:
    async def test(bench: Bench) -> None:
        first = asyncio.create_task(bench.ask("chassis/power/on"))
        await asyncio.sleep(0.01)
        (refused,) = await bench.ask("chassis/power/off")
        assert (refused.verdict, refused.reason) == ("busy", "chassis/power/on is still running")
        assert verdicts(await first)[-1] == "done"
        assert verdicts(await bench.ask("chassis/power/off"))[-1] == "done"

    on_a_bench(Bench(None, None), test)


def test_an_emergency_ends_what_switches_on_and_waits_for_a_press() -> None:
    async def test(bench: Bench) -> None:
        on = asyncio.create_task(bench.ask("chassis/power/on"))
        await asyncio.sleep(0.01)
        answers = await bench.ask("system/emergency/off")
        assert verdicts(answers)[-1] == "done"
        assert (await on)[-1].reason == "ended before its time"
        assert "1 on" not in bench.log
        assert bench.log.index("0 force-off") > bench.log.index("0 ended")
        assert not any(host.powered for host in bench.hosts.values())

    on_a_bench(Bench(None, None), test)


def test_an_operation_goes_on_when_nobody_listens() -> None:
    async def test(bench: Bench) -> None:
        asking = asyncio.create_task(bench.ask("chassis/power/on"))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while bench.operations.all()[0].running:
            await asyncio.sleep(0.01)
        assert bench.log[-1] == "1 ended"

    on_a_bench(Bench(None, None), test)


def test_a_board_without_hosts_says_so() -> None:
    async def test(bench: Bench) -> None:
        for method in ("chassis/power/on", "system/emergency/off", "hosts/power/on"):
            assert verdicts(await bench.ask(method)) == ["unknown-host"]

    on_a_bench(Bench(), test)


def test_one_host_on_the_line_engine(tmp_path: Path) -> None:
    async def run() -> None:
        async with scene(tmp_path) as board:
            operations = board.services.operations
            requests = PowerRequests(board.services.hosts, operations)

            async def ask(method: str, **arguments: object) -> list[Answer]:
                return [answer async for answer in requests.table()[method].answers(arguments, "mqtt:me")]

            answers = await ask("hosts/power/on")
            assert verdicts(answers)[0] == "accepted"
            assert verdicts(answers)[-1] == "done"
            told = cast("dict[str, Any]", answers[-1].data)
            assert (told["what"], told["origin"], told["targets"]) == ("on", "mqtt:me", ["host/0"])
            assert [step["text"] for step in told["steps"]] == ["powering-on", "on", "done"]
            assert verdicts(await ask("hosts/power/on")) == ["done"]  # as wanted already: no operation
            assert verdicts(await ask("hosts/reset", host="9")) == ["unknown-host"]
            assert verdicts(await ask("hosts/power/off", mode="hard")) == ["bad-arguments"]
            await board.run(Action.RESET)  # whoever asks: it is an operation
            assert [one.what for one in operations.all()] == ["on", "reset"]
            assert verdicts(await ask("system/emergency/off"))[-1] == "done"
            assert not board.host.view().powered
            await requests.close()

    asyncio.run(run())
