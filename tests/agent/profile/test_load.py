# SPDX-License-Identifier: Apache-2.0
"""Profiles and site files: what is shipped is right, and every error is told with its place and cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.profile.load import find_profile, load_profile, load_site, shipped_profiles
from agent.profile.problem import ConfigError, dotted, line_of

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
schema = 1
name = "board"

[chips.front]
device = "/dev/gpiochip0"

[lines.power]
direction = "output"
class = "momentary"
chip = "front"
line = "POWER_BUTTON"
max_press_ms = 15000

[lines.good]
direction = "input"
chip = "front"
offset = 4

[[hosts]]
name = "0"
power_good = "good"
power_button = "power"

[buses.psu]
number = 1

[[supplies]]
name = "1"
bus = "psu"
address = 0x58
rated_w = 800
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "board.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as told:
        load_profile(file)
    return [line.removeprefix(str(file)) for line in str(told.value).splitlines()]


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_shipped_profiles_are_right(name: str) -> None:
    assert load_profile(find_profile(name)).name == name


def test_the_good_profile_is_good(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD)
    assert load_profile(file).hosts[0].timing.force_off_ms == 15_000


def test_a_chip_may_have_one_of_several_labels_and_a_line_no_chip(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(
        GOOD.replace('device = "/dev/gpiochip0"', 'label = ["a", "b"]').replace('chip = "front"\nline', "line")
    )
    profile = load_profile(file)
    assert profile.chips["front"].labels == ("a", "b")
    assert profile.lines["power"].chip == ""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('class = "momentary"\n', "", ":7: lines.power: an output needs class"),
        ("max_press_ms = 15000\n", "", ":7: lines.power: a momentary output needs max_press_ms"),
        ("max_press_ms = 15000", "max_press_ms = 15001", ":12: lines.power.max_press_ms: expected `int` <= 15000"),
        ("max_press_ms = 15000", "max_press_ms = 4000", "hosts[0].timing.force_off_ms: 15000 ms is longer than"),
        ("max_press_ms", "max_pres_ms", ":12: lines.power.max_pres_ms: unknown key; did you mean 'max_press_ms'?"),
        ("offset = 4", "", ":14: lines.good: needs either 'line'"),
        ("offset = 4", 'line = "POWER_BUTTON"', "lines.good: another line of this profile has the same chip and place"),
        ('chip = "front"\nline', 'chip = "back"\nline', "lines.power.chip: names no table of [chips] (here: 'back')"),
        (
            'chip = "front"\noffset',
            "offset",
            "lines.good.offset: needs 'chip'; without one a line is found by its name",
        ),
        ('device = "/dev/gpiochip0"', "label = []", "chips.front: needs either 'device'"),
        ('device = "/dev/gpiochip0"', 'label = ["a", ""]', "chips.front.label[1]: expected `str` of length >= 1"),
        ('power_good = "good"', 'power_good = "power"', ":21: hosts[0].power_good: must be an input line"),
        (
            'power_button = "power"',
            'power_button = "good"',
            "power_button: the line 'good' already has an owner",
        ),
        ("address = 0x58", "address = 0x88", "supplies[0].address: expected `int` <= 119 (here: 136)"),
        ("rated_w = 800", "rated_w = 800\ncold_redundancy = true", "needs mfr_id and mfr_model"),
        ("number = 1", "", "buses.psu: the key 'number' is missing"),
        ("[buses.psu]", '[buses."p s u"]', "buses.p s u: not a usable name"),
        ("schema = 1", "schema = 2", ":1: schema: invalid enum value 2"),
        ('name = "board"\n', "", ": the key 'name' is missing"),
        ("schema = 1", "schema = ", ": is not valid TOML"),
    ],
)
def test_errors_name_place_and_cure(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert before in GOOD
    lines = problems(tmp_path, GOOD.replace(before, after, 1))
    assert any(told in line for line in lines), lines


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("offset = 4", "offset = -1").replace("rated_w = 800", 'rated_w = "x"\nspeed = 1')
    assert [line.split(": ")[1] for line in problems(tmp_path, text)] == [
        "lines.good.offset",
        "supplies[0].rated_w",
        "supplies[0].speed",
    ]


def test_items_of_lists_keep_their_number_when_an_earlier_one_is_wrong(tmp_path: Path) -> None:
    text = GOOD + '[[supplies]]\nname = "2"\n\n[[supplies]]\nname = "3"\nbus = "psu"\naddress = 1\nrated_w = 1\n'
    told = problems(tmp_path, text)
    assert any("supplies[1]: the key 'bus' is missing" in line for line in told), told
    assert any("supplies[2].address" in line for line in told), told


def test_a_name_that_is_neither_file_nor_profile(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such profile file.*shipped: .*sim"):
        find_profile(str(tmp_path / "nothing"))


def test_site_file_errors(tmp_path: Path) -> None:
    file = tmp_path / "pgood.toml"
    file.write_text('[ipmi]\nlissen = ["127.0.0.1:6230"]\n[mqtt]\nbase = "a/#"\n')
    with pytest.raises(ConfigError) as told:
        load_site(file)
    assert "pgood.toml:2: ipmi.lissen: unknown key; did you mean 'listen'?" in str(told.value)
    assert "mqtt.base" in str(told.value)


@given(st.text())
def test_any_text_is_answered_with_a_config_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "any.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ConfigError):
        load_profile(file)


def test_paths_are_written_as_people_write_them() -> None:
    assert dotted(("hosts", 0, "timing", "power_press_ms")) == "hosts[0].timing.power_press_ms"
    assert line_of("[a.b]\nc = 1\n", ("a", "b", "c")) == 2
    assert line_of("a.b.c = 1\n", ("a", "b", "c")) == 1
