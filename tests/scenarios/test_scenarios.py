# SPDX-License-Identifier: Apache-2.0
"""Every scenario file, played against an agent process on a simulated board."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.sim.player import Player
from agent.sim.scenario import load_scenario
from tests.scenarios.played_agent import PlayedAgent

FILES = sorted(Path(__file__).parent.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_board_does_what_the_scenario_says(file: Path, tmp_path: Path) -> None:
    scenario = load_scenario(file)
    assert scenario.name == file.stem
    with PlayedAgent(scenario.profile, tmp_path / "state") as agent:
        Player(scenario, agent, print).play()
    assert "Traceback" not in agent.log
