# SPDX-License-Identifier: Apache-2.0
"""Settings changed at run time: valid as a whole, in force at once, kept, shown with their origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.board.boards import on_a_board
from tests.agent.board.test_power_requests import RACK, ask

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.board.boards import RunningBoard


async def shown(running: RunningBoard, key: str) -> tuple[object, str]:
    (answer,) = await ask(running, "config/get")
    assert isinstance(answer.data, dict)
    setting = answer.data["settings"][key]
    return setting["value"], setting["origin"]


KEY = "hosts.0.timing.power_on_timeout_ms"


def test_times_of_a_host(tmp_path: Path) -> None:
    async def change(running: RunningBoard) -> None:
        (answer,) = await ask(running, "config/update", hosts={"0": {"timing": {"power_on_timeout_ms": 2500}}})
        assert answer.verdict == "done"
        assert running.board.services.hosts["0"]._machine.timing.power_on_timeout_ms == 2500
        assert running.board.services.hosts["1"]._machine.timing.power_on_timeout_ms == 10_000
        assert await shown(running, KEY) == (2500, "state")

    async def look(running: RunningBoard) -> None:
        assert running.board.services.hosts["0"]._machine.timing.power_on_timeout_ms == 2500
        (answer,) = await ask(running, "config/update", hosts={"0": {"timing": {"power_on_timeout_ms": None}}})
        assert answer.verdict == "done"
        assert running.board.services.hosts["0"]._machine.timing.power_on_timeout_ms == 10_000
        assert await shown(running, KEY) == (10_000, "profile")

    on_a_board(tmp_path, RACK, change)
    on_a_board(tmp_path, RACK, look)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"hosts": {"9": {"timing": {"cycle_off_ms": 1}}}}, "hosts.9"),
        ({"hosts": {"0": {"timing": {"cycle_ms": 1}}}}, "hosts.0.timing.cycle_ms"),
        ({"hosts": {"0": {"timing": {"power_press_ms": 1001}}}}, "hosts.0.timing.power_press_ms"),
        ({"hosts": {"0": {"timing": {"force_off_ms": 9000}}}}, "line 'power-0' may be pressed for 6000 ms at most"),
        (
            {"telemetry": {"interval_s": 9}, "hosts": {"0": {"timing": {"stable_ms": 0}}}},
            "hosts.0.timing.stable_ms",
        ),
        ({}, "nothing to change"),
    ],
)
def test_nothing_of_a_bad_change_is_taken(tmp_path: Path, change: dict[str, Any], where: str) -> None:
    async def story(running: RunningBoard) -> None:
        before = (await ask(running, "config/get"))[0].data
        (answer,) = await ask(running, "config/update", **change)
        assert answer.verdict == "blocked"
        assert where in answer.reason
        assert (await ask(running, "config/get"))[0].data == before

    on_a_board(tmp_path, RACK, story)
