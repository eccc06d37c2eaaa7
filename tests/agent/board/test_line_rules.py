# SPDX-License-Identifier: Apache-2.0
"""A profile's interlocks, rail sequences, watches and polled lines on a running board, and what it tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.board.methods import BoardMethods
from agent.control.server import Peer, RequestError
from agent.events.event import EventKind
from agent.power.request import Action, HostState, Request
from native import Steady
from tests.agent.board.boards import RunningBoard, on_a_board

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = """\
schema = 1
name = "rules"

[board]
simulated = true

[engine]
priority = 99
cpu = 1000
lock_memory = false

[lines.power]
direction = "output"
class = "momentary"
max_press_ms = 6000

[lines.relay]
direction = "output"
class = "maintained"

[lines.rail]
direction = "output"
class = "maintained"

[lines.good]
direction = "input"
rise_ms = 2
fall_ms = 2

[lines.hot]
direction = "input"
rise_ms = 2
fall_ms = 2

[lines.rail-good]
direction = "input"
poll_us = 1000
rise_ms = 2
fall_ms = 2

[[hosts]]
name = "0"
power_good = "good"
power_button = "power"
timing.force_off_ms = 5000
timing.stable_ms = 1

[[interlocks]]
name = "heat"
input = "hot"
settled_ms = 5
hold_off = ["0"]
drive = { relay = "active" }
host = "0"
armed_in = ["on", "powering-off"]

[[sequences]]
name = "up"
[[sequences.steps]]
line = "rail"
wait = "rail-good"
within_ms = 300

[[watches]]
name = "host"
input = "good"
presses = ["power"]
rise_ms = 3000
hold_off_ms = 50
"""
PEER = Peer(0, "root")


async def call(running: RunningBoard, method: str, **args: object) -> dict[str, object]:
    serve = BoardMethods(running.board).table()[method].serve
    assert serve is not None
    answer = await serve(args, PEER)
    assert isinstance(answer, dict)
    return answer


async def switched_on(running: RunningBoard) -> None:
    await running.until(lambda: running.board.services.hosts["0"].view().state is HostState.OFF)
    await running.board.services.hosts["0"].run(Request(Action.ON, "test"))


def test_interlock_is_armed_by_the_host_and_acts_until_it_is_reset(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        interlocks = running.board.services.interlocks
        assert not interlocks.states["heat"].armed
        await switched_on(running)
        assert interlocks.states["heat"].armed
        running.chip.drive("hot", True)
        held = await running.hear(EventKind.INTERLOCK_FIRED)
        latched = await running.hear(EventKind.INTERLOCK_FIRED)
        assert [event.args[:2] for event in (held, latched)] == [("heat", "power"), ("heat", "relay")]
        assert int(held.args[4]) - int(held.args[3]) >= 5_000_000  # action after edge, by at least the settling time
        assert running.chip.level("power")
        assert running.chip.level("relay")
        ended = await running.hear(EventKind.INTERLOCK_ENDED)  # the simulated host gives in after 4 s
        assert ended.args[:2] == ("heat", "power")
        assert not running.chip.level("power")
        assert running.chip.level("relay")
        await running.until(lambda: running.board.services.hosts["0"].view().state is HostState.OFF)
        assert not interlocks.states["heat"].armed
        running.chip.drive("hot", False)
        assert interlocks.states["heat"].fired
        await call(running, "reset-interlock", name="heat")
        assert not interlocks.states["heat"].fired
        assert (await running.hear(EventKind.INTERLOCK_RESET)).args == ("heat", "local:root")
        with pytest.raises(RequestError, match="it has: heat"):
            await call(running, "reset-interlock", name="cold")

    on_a_board(tmp_path, PROFILE, story)


def test_interlock_leaves_a_host_alone_that_is_off(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await running.until(lambda: running.board.services.hosts["0"].view().state is HostState.OFF)
        running.chip.drive("hot", True)
        skipped = await running.hear(EventKind.INTERLOCK_SKIPPED)
        assert skipped.args == ("heat", "power", "the host is not on")
        assert not [change for change in running.chip.drain() if change.name == "power" and change.active]

    always = PROFILE.replace('host = "0"\narmed_in = ["on", "powering-off"]\n', "")
    on_a_board(tmp_path, always, story)


def test_sequence_waits_for_a_polled_line_or_unwinds(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        answer = await call(running, "sequence", name="up")
        assert answer["good"] is False
        assert "step 0" in str(answer["text"])
        assert not running.chip.level("rail")
        assert (await running.hear(EventKind.SEQUENCE_FAILED)).args[0] == "up"
        running.chip.drive("rail-good", True)
        await running.until(lambda: running.board.lines.engine.input("rail-good").steady is Steady.ACTIVE)
        assert (await call(running, "sequence", name="up"))["good"] is True
        assert running.chip.level("rail")
        done = await running.hear(EventKind.SEQUENCE_COMPLETED)
        assert done.args[0] == "up"
        assert done.args[2].startswith("0: ")
        with pytest.raises(RequestError, match="it runs: up"):
            await call(running, "sequence", name="down")

    on_a_board(tmp_path, PROFILE, story)


def test_watch_tells_rise_dip_and_loss_with_their_times(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        await switched_on(running)
        rose = await running.hear(EventKind.POWER_GOOD_ROSE)
        assert rose.args[0] == "host"
        assert 300 < float(rose.args[1]) < 3000  # the simulated board takes 350 ms
        assert running.board.world is not None
        running.board.world.close()  # the plant would drive power-good back
        running.chip.drive("good", False)
        lost = await running.hear(EventKind.POWER_GOOD_LOST)
        assert int(lost.args[2]) > int(rose.args[2])
        running.chip.drive("good", True)
        assert float((await running.hear(EventKind.POWER_GOOD_RECOVERED)).args[1]) >= 50

    on_a_board(tmp_path, PROFILE, story)


def test_status_and_telemetry_show_the_engine(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        limited = await running.hear(EventKind.LINES_LIMITED)
        assert "CPU 1000" in " ".join(limited.args) or "priority 99" in " ".join(limited.args)
        await switched_on(running)
        running.chip.drive("hot", True)
        await running.hear(EventKind.INTERLOCK_FIRED)
        engine = running.board.documents.telemetry()["engine"]
        assert isinstance(engine, dict)
        assert engine["lateness_us"]["count"] == 1
        assert engine["edge_to_action_us"]["max"] >= engine["edge_to_action_us"]["p50"] > 0
        assert engine["wakeups_per_s"] > 100  # a line is polled every millisecond
        assert 0 < engine["ring_high_water"] < engine["ring_capacity"]
        assert (engine["guard"], engine["events_lost"]) == ("none", 0)
        assert any("CPU 1000" in limit for limit in engine["limits"])
        status = await call(running, "status")
        lines = status["lines"]
        assert isinstance(lines, dict)
        assert lines["inputs"]["hot"]["steady"] == "active"
        assert lines["interlocks"] == {"heat": {"armed": True, "fired": True}}
        await call(running, "reset-statistics")
        again = running.board.documents.telemetry()["engine"]
        assert isinstance(again, dict)
        assert again["lateness_us"]["count"] == 0

    on_a_board(tmp_path, PROFILE, story)
