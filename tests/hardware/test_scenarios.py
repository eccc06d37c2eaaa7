# SPDX-License-Identifier: Apache-2.0
"""The scenario files once more, on the kernel's GPIO driver: the same faults, and the same demands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.sim.player import Player
from agent.sim.scenario import load_scenario
from tests.hardware.played_board import PlayedBoard
from tests.scenarios.test_scenarios import FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_board_does_what_the_scenario_says_on_kernel_lines(file: Path, tmp_path: Path, gpiochip: str) -> None:
    scenario = load_scenario(file)
    if scenario.buses:
        pytest.skip("needs simulated supplies and sensors")
    folder = Path(os.environ["HWLAB_GPIOSIM"])
    with PlayedBoard(scenario.profile, gpiochip, folder, tmp_path / "state") as board:
        Player(scenario, board, print).play()
    assert "Traceback" not in board.log
