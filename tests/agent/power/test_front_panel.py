# SPDX-License-Identifier: Apache-2.0
"""The buttons at the machine: what a press means, presses that are only watched, passed on, or masked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.events.event import EventKind
from agent.power.effects import PowerGood
from agent.power.front_panel import PanelButton, Press, meant
from agent.power.host import PANEL_ON
from agent.power.request import Action, HostState, Request, Verdict
from tests.agent.board.boards import on_a_board
from tests.agent.board.test_power_requests import ask, sim

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.board.boards import RunningBoard

PROFILE = """
schema = 1
name = "desk"
[board]
simulated = true
[lines]
power = {direction = "output", class = "momentary", max_press_ms = 6000}
good = {direction = "input"}
front = {direction = "input"}
[[hosts]]
name = "0"
power_good = "good"
power_button = "power"
front_power_button = "front"
front_panel = "WIRING"
timing = {force_off_ms = 6000, soft_off_timeout_ms = 5000}
"""


def board(folder: Path, wiring: str, story: object) -> None:
    on_a_board(folder, PROFILE.replace("WIRING", wiring), story)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("button", "held", "level", "action"),
    [
        (PanelButton.POWER, False, PowerGood.OFF, Action.ON),
        (PanelButton.POWER, False, PowerGood.ON, Action.SOFT_OFF),
        (PanelButton.POWER, False, PowerGood.SLEEPING, Action.ON),
        (PanelButton.POWER, True, PowerGood.ON, Action.FORCE_OFF),
        (PanelButton.POWER, True, PowerGood.OFF, None),
        (PanelButton.RESET, False, PowerGood.ON, Action.RESET),
        (PanelButton.RESET, False, PowerGood.OFF, None),
        (PanelButton.POWER, False, None, None),
    ],
)
def test_what_a_press_means(button: PanelButton, held: bool, level: PowerGood | None, action: Action | None) -> None:
    assert meant(Press(button, 4.0 if held else 0.2, held), level) is action


def test_a_watched_press_explains_what_the_host_does(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        host = running.board.services.hosts["0"]
        await running.until(lambda: host.state is HostState.OFF)
        sim(running, "host 0 finger 100")
        await running.until(lambda: host.state is HostState.ON)
        assert host.view().last_on_by == PANEL_ON
        pressed = await running.hear(EventKind.HOST_BUTTON_PRESSED)
        assert pressed.args[1] == "power"
        sim(running, "host 0 finger 100")
        await running.until(lambda: host.state is HostState.OFF)
        await running.board.bus.drain()
        kinds = [event["kind"] for event in await running.board.journal.latest(20)]
        assert "host.off" in kinds
        assert "host.power_lost" not in kinds
        await running.board.services.manager.run("0", Request(Action.ON, "test"))
        sim(running, "host 0 crash")  # nobody pressed anything now
        await running.hear(EventKind.HOST_POWER_LOST)
        (refused,) = await ask(running, "hosts/panel", masked=["power"])
        assert refused.verdict == "not-wired"

    board(tmp_path, "watch", story)


def test_a_passed_press_is_a_request_and_a_mask_keeps_it_away(tmp_path: Path) -> None:
    async def story(running: RunningBoard) -> None:
        host = running.board.services.hosts["0"]
        await running.until(lambda: host.state is HostState.OFF)
        (answer,) = await ask(running, "hosts/panel", masked=["power"])
        assert (answer.verdict, answer.data["masked"]) == ("done", ["power"])  # type: ignore[index]
        sim(running, "host 0 finger 100")
        await running.hear(EventKind.HOST_BUTTON_MASKED)
        await asyncio.sleep(0.5)
        assert host.state is HostState.OFF
        assert running.board.services.operations.all() == ()
        await ask(running, "hosts/panel", masked=[])
        sim(running, "host 0 finger 100")
        await running.until(lambda: host.state is HostState.ON)
        (operation,) = running.board.services.operations.all()
        assert (operation.what, operation.origin) == ("on", PANEL_ON)
        sim(running, "host 0 finger 4500")
        await running.until(lambda: host.state is HostState.OFF)
        operations = running.board.services.operations
        assert operations.all()[-1].what == "force-off"
        await running.until(lambda: not operations.all()[-1].running)
        result = operations.all()[-1].result
        assert result is not None
        assert result.verdict is Verdict.DONE

    board(tmp_path, "pass", story)


def test_masks_outlast_a_restart(tmp_path: Path) -> None:
    async def mask(running: RunningBoard) -> None:
        await ask(running, "hosts/panel", masked=["power"])

    async def look(running: RunningBoard) -> None:
        assert running.board.services.panels["0"].masked == {PanelButton.POWER}

    board(tmp_path, "pass", mask)
    board(tmp_path, "pass", look)
