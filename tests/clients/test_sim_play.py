# SPDX-License-Identifier: Apache-2.0
"""`pgood sim play` and the words of `pgood sim`, as a user types them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.sim.words import WORDS

if TYPE_CHECKING:
    from tests.clients.demo import Demo

SCENARIOS = Path(__file__).parent.parent / "scenarios"
SHORT = 'schema = 1\nname = "x"\ndescription = "x"\n'


def test_a_scenario_is_played_step_by_step(demo: Demo) -> None:
    told = demo.pgood("sim", "play", str(SCENARIOS / "finger-on-the-button.toml"))
    assert "s  do host 0 finger\n" in told
    assert "s  expect host 0 off: yes\n" in told
    assert told.endswith("finger-on-the-button: good\n")


def test_a_scenario_that_fails_says_where(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(SHORT + '[[steps]]\nexpect = { host = "0", state = "sleeping", within_s = 0.1 }\n')
    told = demo.pgood("sim", "play", str(file), code=1)
    assert told == "x: step 1: expect host 0 sleeping within 0.1 s: no, it is off\n"


def test_what_cannot_be_played_is_one_clear_line(demo: Demo, tmp_path: Path) -> None:
    told = demo.pgood("sim", "play", str(SCENARIOS / "killed-in-a-cycle.toml"), code=2)
    assert "an agent that runs already is not killed" in told
    told = demo.pgood("sim", "play", str(SCENARIOS / "falls-asleep.toml"), code=2)
    assert "is for the profile 'raspberry-pi-atx'; this agent runs 'sim'" in told
    told = demo.pgood("sim", "play", str(tmp_path / "none.toml"), code=2)
    assert "none.toml: cannot be read: No such file or directory" in told
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(SHORT + '[[steps]]\ndo = "host 0 explode"\n')
    told = demo.pgood("sim", "play", str(wrong), code=2)
    assert "wrong.toml:5: steps[0].do: a host knows normal" in told


def test_help_lists_every_form(demo: Demo) -> None:
    told = demo.pgood("sim", "--help")
    for form, meaning in WORDS:
        assert f"  {form}" in told
        assert meaning in told


def test_wrong_words_are_told_with_the_right_ones(demo: Demo) -> None:
    assert demo.pgood("sim", "dance", code=1).startswith("pgood: the simulated world knows: host NAME hang|")
    assert demo.pgood("sim", "host", "0", "drop", "now", code=1) == "pgood: a time is a number (not 'now')\n"


def test_switches_of_simulated_boards_are_refused_on_real_ones(demo: Demo, tmp_path: Path) -> None:
    told = demo.pgood("run", "--profile", "raspberry-pi-atx", "--observe", code=2)
    assert "--observe and --keep-world are for simulated boards; add --simulated" in told
    told = demo.pgood("demo", "--profile", "raspberry-pi-atx", code=2)
    assert "add --simulated to run this one without its hardware" in told
