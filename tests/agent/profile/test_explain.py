# SPDX-License-Identifier: Apache-2.0
"""`pgood check` in words: the shipped profiles as golden files, and warnings of what a wire may punish.

After a change that is meant, run this file with PGOOD_WRITE_GOLDEN=1 and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.board.emergency_rules import emergency_rules
from agent.profile.explain import explain, warnings
from agent.profile.load import load_profile, shipped_profiles

GOLDEN = Path(__file__).parent / "explained"
BOARD = """
schema = 1
name = "b"
[chips.header]
label = "pinctrl-bcm2711"
[lines.good]
direction = "input"
chip = "header"
line = "GPIO23"
source = "pwr_ok"
[lines.power]
direction = "output"
class = "momentary"
max_press_ms = 15000
chip = "header"
{place}
[[hosts]]
name = "0"
power_good = "good"
power_button = "power"
"""


@pytest.mark.parametrize("name", [*sorted(shipped_profiles()), "everything"])
def test_profiles_in_words(name: str) -> None:
    profile = load_profile(shipped_profiles().get(name, GOLDEN / f"{name}.toml"))
    text = "\n".join(explain(profile, [rule.domain for rule in emergency_rules(profile)])) + "\n"
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("PGOOD_WRITE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_shipped_profiles_need_no_second_look(name: str) -> None:
    assert list(warnings(load_profile(shipped_profiles()[name]))) == []


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ('line = "GPIO4"', "GPIO4 (header pin 7) should not be an output: it is pulled up"),
        ("offset = 8", "GPIO8 (header pin 24) should not be an output: it is pulled up"),
        ('line = "GPIO14"', "GPIO14 (header pin 8) should not be an output: it is the serial port"),
        ('line = "GPIO17"\nactive_low = true', "active-low, so the resting level of GPIO17"),
        ('line = "PIN_8"', "PIN_8 (header pin 8) should not be an output: it is the serial console"),
        ('line = "PIN_5"', "PIN_5 (header pin 5) should not be an output: it is an I2C bus"),
        ('line = "PIN_11"\nactive_low = true', "active-low, so the resting level of PIN_11 from reset on (by pin)"),
        ('line = "PIN_11"', ""),
        ('line = "GPIO17"', ""),
        ("offset = 17", ""),
    ],
)
def test_outputs_on_pins_that_rest_high(tmp_path: Path, place: str, told: str) -> None:
    file = tmp_path / "b.toml"
    file.write_text(BOARD.format(place=place))
    found = list(warnings(load_profile(file)))
    assert len(found) == (1 if told else 0)
    assert told in "".join(found)


@pytest.mark.parametrize(
    ("product", "told"), [("Orange Pi Zero 2W", "PH0 (header pin 8)"), ("another with its chip", "")]
)
def test_the_header_of_an_orange_pi(tmp_path: Path, product: str, told: str) -> None:
    file = tmp_path / "b.toml"
    text = BOARD.format(place="offset = 224").replace("pinctrl-bcm2711", "300b000.pinctrl")
    file.write_text(f'{text}\n[board]\nproduct = "{product}"\n')
    found = list(warnings(load_profile(file)))
    assert len(found) == (1 if told else 0)
    assert told in "".join(found)
