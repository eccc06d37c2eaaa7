# SPDX-License-Identifier: Apache-2.0
"""Policies and overrides at run time on a whole simulated board: atomic, persistent, rolled back, told, audited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from agent.board.board import Board
from agent.board.options import Options, Override
from agent.events.event import EventKind
from agent.power.gate import Policy, Refusal
from agent.power.policy import SafetyPolicies
from agent.power.request import Action, HostState, Request, Verdict
from agent.profile.load import find_profile, load_profile
from agent.profile.site import Site, SitePolicy
from tests.agent.board.boards import RunningBoard
from tests.agent.board.test_power_requests import ask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

SITE = Site(policy=SitePolicy(safety=SafetyPolicies(min_off_s=0.5)))


def play(folder: Path, story: Callable[[RunningBoard], Awaitable[None]], profile: str = "sim") -> None:
    async def run() -> None:
        file = find_profile(profile)
        board = Board(Options(load_profile(file), file, SITE, None, folder, Override()))
        running = RunningBoard(board)
        await board.start()
        try:
            await running.until(lambda: board.services.hosts["0"].state is HostState.OFF)
            await running.until(lambda: board.services.capacity.spare_w() is not None)
            await story(running)
        finally:
            await board.close()

    asyncio.run(run())


async def get(running: RunningBoard) -> dict[str, Any]:
    (answer,) = await ask(running, "policies/get")
    assert isinstance(answer.data, dict)
    return answer.data


def test_a_change_is_valid_as_a_whole_or_nothing_of_it_counts(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        before = await get(running)
        for bad, where in (
            ({"safety": {"min_off_s": -1}}, "safety.min_off_s"),
            ({"safety": {"min_off": 1}}, "min_off"),
            ({"sequencing": {"attempts": 9}}, "sequencing.attempts"),
            ({"operations": {"conflict": "wait"}}, "operations.conflict"),
            ({"restore": "on", "emergency": {"override_s": 0}}, "emergency.override_s"),
            ({"redundancy": {"period_s": 5}, "safety": {"min_off_s": 3}}, "period_s"),
            ({}, "nothing to change"),
        ):
            (answer,) = await ask(running, "policies/update", **bad)
            assert answer.verdict == "blocked", bad
            assert where in answer.reason
        assert await get(running) == before

    play(tmp_path, story)


def test_changes_are_kept_over_a_restart_and_lie_over_the_site_file(tmp_path: Path) -> None:
    async def alter(running: RunningBoard) -> None:
        (answer,) = await ask(
            running,
            "policies/update",
            safety={"max_concurrent_operations": 1},
            sequencing={"stagger_s": 3},
            restore="on",
        )
        assert answer.verdict == "done"
        event = await running.hear(EventKind.POLICIES_CHANGED)
        assert "safety.max_concurrent_operations=1" in event.args[0]
        (listed,) = await ask(running, "audit/list")
        assert listed.data["lines"][-1]["what"].startswith("policies/update restore=on")  # type: ignore[index]

    async def look(running: RunningBoard) -> None:
        policies = await get(running)
        assert policies["safety"]["max_concurrent_operations"] == 1
        assert policies["safety"]["min_off_s"] == 0.5  # the site file's
        assert policies["sequencing"]["stagger_s"] == 3
        assert policies["restore"] == "on"
        assert running.board.documents.policies()["sequencing"] == policies["sequencing"]

    play(tmp_path, alter)
    play(tmp_path, look)


def test_a_supply_that_refuses_makes_everything_go_back(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        supplies = running.board.services.supplies
        (answer,) = await ask(running, "policies/update", redundancy={"power_limit_w": 800}, safety={"min_off_s": 2})
        assert answer.verdict == "done"
        before = await get(running)
        refuse, written = supplies.drivers[1].limit_power, supplies.drivers[0].limit_power
        limits: list[float] = []

        def refused(port: object, watts: float) -> bool:
            return False

        def noted(port: Any, watts: float) -> bool:
            limits.append(watts)
            return written(port, watts)

        supplies.drivers[1].limit_power = refused  # type: ignore[method-assign]
        supplies.drivers[0].limit_power = noted  # type: ignore[method-assign]
        (answer,) = await ask(running, "policies/update", redundancy={"power_limit_w": 600}, safety={"min_off_s": 9})
        supplies.drivers[1].limit_power = refuse  # type: ignore[method-assign]
        assert answer.verdict == "failed"
        assert "supply 2 does not take a power limit of 300 W" in answer.reason
        assert limits == [300.0, 400.0]  # the first one took it, and took it back
        assert await get(running) == before

    play(tmp_path, story)


def test_a_gate_refuses_with_policy_reading_and_cure_until_it_is_overridden(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        services = running.board.services
        hot = Refusal(Policy.THERMAL, "zone cpu is at 96.0 C, hot from 95 C", "let it cool below 90 C")

        class Hot:
            def refusal(self, domain: str, action: Action) -> Refusal | None:
                return hot if domain == "host/0" else None

        services.power.safety._gates = (*services.power.safety._gates, Hot())
        await asyncio.sleep(0.6)  # minimum off time
        reply, _ = services.manager.ask("0", Request(Action.ON, "test"))
        assert reply.verdict is Verdict.BLOCKED
        assert reply.reason == "thermal-check: zone cpu is at 96.0 C, hot from 95 C; let it cool below 90 C"
        (refused,) = await ask(running, "safety/override", reason="fire drill", seconds=61)
        assert (refused.verdict, "60 at most" in refused.reason) == ("bad-arguments", True)
        (refused,) = await ask(running, "safety/override", reason="x", policies=["dependencies"])
        assert "cannot be overridden" in refused.reason
        (given,) = await ask(running, "safety/override", reason="fire drill", policies=["thermal-check"], seconds=1.5)
        _, starting = services.manager.ask("0", Request(Action.ON, "test"))  # before anything is waited for
        assert given.verdict == "done"
        event = await running.hear(EventKind.OVERRIDE_BEGUN)
        assert event.args == ("thermal-check", "mqtt:me", "1.5", "fire drill")
        assert starting is not None
        assert (await starting).verdict is Verdict.DONE
        assert (await running.hear(EventKind.OVERRIDE_ENDED)).args[1] == "its time is over"
        await services.manager.run("0", Request(Action.FORCE_OFF, "test"))
        await asyncio.sleep(0.6)
        assert services.manager.ask("0", Request(Action.ON, "test"))[0].verdict is Verdict.BLOCKED
        (listed,) = await ask(running, "audit/list")
        assert any("override thermal-check" in line["what"] for line in listed.data["lines"])  # type: ignore[index]
        (answer,) = await ask(running, "policies/update", safety={"thermal_check": False})
        assert answer.verdict == "done"
        assert services.manager.ask("0", Request(Action.ON, "test"))[0].verdict is Verdict.ACCEPTED

    play(tmp_path, story)


def test_no_start_without_a_supply_that_works_or_has_room(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        services = running.board.services
        assert running.board.world is not None
        for name in ("1", "2"):
            running.board.world.happen(["supply", name, "ac-off"])
        await running.until(lambda: services.capacity.refusal("host/0", Action.ON) is not None)
        reply, _ = services.manager.ask("0", Request(Action.ON, "test"))
        assert reply.verdict is Verdict.BLOCKED
        assert reply.reason.startswith("health-check: no supply works (psu/1 input-lost, psu/2 input-lost)")

    play(tmp_path, story)


def test_metrics_count_what_happened(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        services = running.board.services
        await asyncio.sleep(0.6)
        await services.manager.run("0", Request(Action.ON, "test"))
        services.manager.ask("0", Request(Action.CYCLE, "test"))
        assert services.manager.ask("0", Request(Action.RESET, "test"))[0].verdict is Verdict.BUSY
        (answer,) = await ask(running, "metrics/get", prometheus=True)
        assert isinstance(answer.data, dict)
        assert answer.data["operations"]["ended"] == {"on: done": 1}
        assert answer.data["operations"]["success_rate"] == 1.0
        assert answer.data["operations"]["refused"] == {"busy": 1}
        text = answer.data["text"]
        assert 'pgood_operations_total{what="on",result="done"} 1\n' in text
        assert 'pgood_operation_duration_seconds_count{what="on"} 1\n' in text
        assert 'pgood_domain_state{domain="host/0",state="cycling"} 1\n' in text
        assert "pgood_operations_running 1\n" in text
        assert 'pgood_supply_input_watts{supply="1"} ' in text

    play(tmp_path, story)
