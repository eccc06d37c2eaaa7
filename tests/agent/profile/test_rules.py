# SPDX-License-Identifier: Apache-2.0
"""Interlocks, rail sequences, watches and line options of a profile: each mistake is refused with place and cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.profile.load import load_profile
from tests.agent.profile.test_load import GOOD, problems

if TYPE_CHECKING:
    from pathlib import Path

BASE = (
    GOOD
    + """
[lines.relay]
direction = "output"
class = "maintained"
chip = "front"
offset = 9

[lines.hot]
direction = "input"
chip = "front"
offset = 10
"""
)

HEAT = """
[[interlocks]]
name = "heat"
input = "hot"
hold_off = ["0"]
drive = { relay = "active" }
"""


def test_a_profile_may_use_everything(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(
        BASE.replace("offset = 10", 'offset = 10\ndebounce = "kernel"\nrise_ms = 5\nfall_ms = 5')
        + HEAT
        + 'host = "0"\narmed_in = ["on"]\n'
        + '[[sequences]]\nname = "up"\non_failure = "freeze"\n[[sequences.steps]]\nline = "relay"\nwait = "hot"\n'
        + "within_ms = 5\ndelay_ms = 2.5\n"
        + '[[watches]]\nname = "w"\ninput = "good"\npresses = ["power"]\n[engine]\npriority = 0\ncpu = 3\n'
    )
    profile = load_profile(file)
    assert profile.interlocks[0].armed_in == ("on",)
    assert profile.sequences[0].steps[0].delay_ms == 2.5


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (HEAT.replace('"hot"', '"relay"'), "interlocks[0].input: must be an input line, 'relay' is none"),
        (HEAT.replace('"hot"', '"hto"'), "interlocks[0].input: names no table of [lines] (here: 'hto')"),
        (HEAT.replace('["0"]', '["1"]'), "interlocks[0].hold_off: names no host (here: '1')"),
        (HEAT.replace("relay", "power"), "must be an output line with class = \"maintained\", 'power' is none"),
        (HEAT + "settled_ms = 0.5\n", "interlocks[0].settled_ms: must be at least 1"),
        (HEAT + "settled_ms = 0\n", "interlocks[0].settled_ms: must be at least 1, or 0 together with raw_edge_ok"),
        (HEAT + "settled_ms = 0\nraw_edge_ok = true\n", "a rule that holds a button never acts on an edge"),
        (HEAT + 'armed_in = ["on"]\n', "'host' and 'armed_in' belong together"),
        (HEAT + 'host = "7"\narmed_in = ["on"]\n', "interlocks[0].host: names no host (here: '7')"),
        (HEAT + 'host = "0"\narmed_in = ["onn"]\n', "interlocks[0].armed_in[0]"),
        (HEAT + HEAT, "interlocks[1].name: 'heat' is used twice"),
        (
            HEAT + HEAT.replace('"heat"', '"cold"').replace('"active"', '"inactive"'),
            "interlocks[1].drive.relay: drives 'relay' inactive, but interlock 'heat' drives it active: decide for one",
        ),
        ('[[interlocks]]\nname = "idle"\ninput = "hot"\n', "interlocks[0]: does nothing"),
        ('[[sequences]]\nname = "s"\nsteps = []\n', "sequences[0].steps: has no steps"),
        ('[[sequences]]\nname = "s"\n[[sequences.steps]]\nline = "power"\n', 'class = "maintained"'),
        ('[[sequences]]\nname = "s"\n[[sequences.steps]]\nline = "relay"\nwait = "hot"\n', "steps[0].within_ms"),
        ('[[sequences]]\nname = "s"\n[[sequences.steps]]\nline = "relay"\nstable_ms = 1\n', "belong to 'wait'"),
        (
            '[[sequences]]\nname = "s"\n[[sequences.steps]]\nline = "relay"\nwait = "hot"\nwithin_ms = 1\n'
            'wait_level = "blinking"\n',
            'only a line with source = "led" blinks',
        ),
        ('[[watches]]\nname = "w"\ninput = "relay"\n', "watches[0].input: must be an input line"),
        ('[[watches]]\nname = "w"\ninput = "good"\npresses = ["relay"]\n', 'class = "momentary"'),
        ('[[watches]]\nname = "w"\ninput = "good"\nrise_ms = 0\n', "watches[0].rise_ms"),
        ("[engine]\npriority = 100\n", "engine.priority"),
        ('[lines.x]\ndirection = "output"\nchip = "front"\noffset = 11\n', 'needs class = "momentary"'),
        ('[lines.x]\ndirection = "input"\nchip = "front"\noffset = 11\npoll_us = 99\n', "lines.x.poll_us"),
        ('[lines.x]\ndirection = "input"\nchip = "front"\noffset = 11\ndebounce = "kernel"\n', "one time for both"),
        (
            '[lines.x]\ndirection = "input"\nchip = "front"\noffset = 11\ndebounce = "kernel"\nrise_ms = 1\n'
            "fall_ms = 1\npoll_us = 100\n",
            "a polled line has none",
        ),
        (
            '[lines.x]\ndirection = "input"\nchip = "front"\noffset = 11\nblink_max_ms = 500\n',
            'belongs to inputs with source = "led" only',
        ),
        (
            '[lines.x]\ndirection = "input"\nchip = "front"\noffset = 11\nsource = "led"\nrise_ms = 91\n',
            "lines.x.rise_ms: can be 90 at most",
        ),
        (
            '[lines.x]\ndirection = "output"\nchip = "front"\noffset = 11\nclass = "maintained"\npoll_us = 1000\n',
            "lines.x.poll_us: belongs to inputs only",
        ),
    ],
)
def test_mistakes(tmp_path: Path, added: str, told: str) -> None:
    found = problems(tmp_path, BASE + added)
    assert any(told in problem for problem in found), found


def test_interlocks_need_quick_lines(tmp_path: Path) -> None:
    slow = BASE.replace('device = "/dev/gpiochip0"', 'device = "/dev/gpiochip0"\nslow = true')
    assert len([line for line in problems(tmp_path, slow + HEAT) if "is on a slow chip" in line]) == 2


def test_more_than_an_engine_takes(tmp_path: Path) -> None:
    rules = "".join(HEAT.replace('"heat"', f'"heat{number}"') for number in range(65))
    assert any("there are 65; the line engine takes 64" in line for line in problems(tmp_path, BASE + rules))
    lines = "".join(
        f'[lines.i{number}]\ndirection = "input"\nchip = "front"\noffset = {number + 100}\n' for number in range(127)
    )
    assert any("there are 129 inputs; the line engine takes 128" in line for line in problems(tmp_path, BASE + lines))


def test_a_simulated_board_has_no_kernel(tmp_path: Path) -> None:
    text = (
        'schema = 1\nname = "s"\n[board]\nsimulated = true\n[lines.x]\ndirection = "input"\ndebounce = "kernel"\n'
        "rise_ms = 1\nfall_ms = 1\n"
    )
    assert "leave it to the engine" in problems(tmp_path, text)[0]
