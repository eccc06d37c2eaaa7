# SPDX-License-Identifier: Apache-2.0
"""Sensors, zones and fans in a profile: every mistake is told with its key and what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.profile.load import load_profile
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
schema = 1
name = "board"

[board]
simulated = true

[lines.good]
direction = "input"

[[hosts]]
name = "0"
power_good = "good"

[buses.main]

[[supplies]]
name = "1"
bus = "main"
address = 0x58
rated_w = 800

[[sensors]]
name = "inlet"
label = "Inlet"
adapter = "lm75"
bus = "main"
address = 0x48

[[sensors]]
name = "cpu"
label = "CPU"
adapter = "hwmon"
chip = "k10temp"
channel = "Tctl"

[[sensors]]
name = "room"
label = "Room"
adapter = "hwmon"
quantity = "humidity"
chip = "sht3x"
attribute = "humidity1_input"

[[sensors]]
name = "supply"
label = "Supply"
adapter = "pmbus"
supply = "1"
number = 2

[[sensors]]
name = "node"
label = "Node"
adapter = "ipmi"
bmc = "node1"
remote_sensor = "Ambient"

[adapters.node1]
kind = "ipmi"

[[zones]]
name = "box"
sensors = ["inlet", "cpu"]
domains = ["host/0"]
on_lost = "soft-off"
active = { celsius = 40 }
hot = { celsius = 80, hysteresis_c = 4 }
critical = { celsius = 90 }

[[fans]]
name = "front"
chip = "nct6775"
tach = 1
must_run = true

[[fans.curves]]
zone = "box"
points = [[30, 20], [80, 100]]
"""

MISTAKES = (
    ('chip = "k10temp"', "", "sensors[1]", "needs 'chip'"),
    ('chip = "k10temp"', 'chip = "../../etc"', "sensors[1].chip", ""),
    ('channel = "Tctl"', "", "sensors[1]", "needs either 'attribute'"),
    ('channel = "Tctl"', 'channel = "Tctl"\nattribute = "temp1_input"', "sensors[1]", "needs either 'attribute'"),
    ('channel = "Tctl"', 'attribute = "../x"', "sensors[1].attribute", ""),
    ('channel = "Tctl"', 'attribute = "humidity1_input"', "sensors[1].attribute", "reads a tempN_input"),
    ("address = 0x48", "", "sensors[0]", "the key 'address' is missing"),
    ("address = 0x48", "address = 0x30", "sensors[0].address", "0x48 to 0x4f only"),
    (
        "address = 0x48",
        'address = 0x48\nsupply = "1"',
        "sensors[0].supply",
        "belongs to a sensor with adapter = 'pmbus'",
    ),
    ("address = 0x48", 'address = 0x48\nquantity = "humidity"', "sensors[0].quantity", "measures temperature"),
    ('supply = "1"', 'supply = "9"', "sensors[3].supply", "there are: 1"),
    ("number = 2", "number = 4", "sensors[3].number", ""),
    ('remote_sensor = "Ambient"', "", "sensors[4]", "needs the key 'remote_sensor'"),
    ('["inlet", "cpu"]', "[]", "zones[0].sensors", "at least one sensor"),
    ('["inlet", "cpu"]', '["inlet", "inlet"]', "zones[0].sensors", "names a sensor twice"),
    ('["inlet", "cpu"]', '["inlet", "gpu"]', "zones[0].sensors", "(here: 'gpu')"),
    ('["inlet", "cpu"]', '["inlet", "room"]', "zones[0].sensors", "does not measure temperature"),
    ('["inlet", "cpu"]', '["inlet"]', "zones[0].on_lost", "needs a second sensor that agrees"),
    ('["host/0"]', '["host/7"]', "zones[0].domains", "there are: host/0"),
    ("critical = { celsius = 90 }", "critical = { celsius = 80 }", "zones[0].critical", "must be above hot (80 C)"),
    ('zone = "box"', 'zone = "bax"', "fans[0].curves[0].zone", "names no table of [[zones]]"),
    ("[[30, 20], [80, 100]]", "[]", "fans[0].curves[0].points", "at least one point"),
    ("[[30, 20], [80, 100]]", "[[30, 20], [80, 10]]", "fans[0].curves[0].points", "must rise"),
    ("[[30, 20], [80, 100]]", "[[30, 20], [30, 40]]", "fans[0].curves[0].points", "must rise"),
    ("tach = 1", "", "fans[0].must_run", "needs 'tach'"),
    ("tach = 1", "tach = 1\nmin_duty = 0", "fans[0].min_duty", "must not be 0 with must_run"),
    ("tach = 1", "tach = 1\nmin_duty = 60\nmax_duty = 50", "fans[0].min_duty", "must not be above max_duty"),
    ("tach = 1", "tach = 1\nfail_safe_duty = 10", "fans[0].fail_safe_duty", "must not be below min_duty"),
    ("tach = 1", "tach = 1\nmin_rpm = 13000", "fans[0].min_rpm", "must be below maximum_rpm"),
    ("tach = 1", 'tach = 1\nhost = "9"', "fans[0].host", "names no table of [[hosts]]"),
    ("tach = 1", 'tach = 1\nhost = "0"', "fans[0].must_run", "cannot run before that host is on"),
)


def test_a_profile_with_everything_is_right(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(GOOD)
    profile = load_profile(file)
    assert [sensor.adapter for sensor in profile.sensors] == ["lm75", "hwmon", "hwmon", "pmbus", "ipmi"]


@pytest.mark.parametrize(("right", "wrong", "key", "words"), MISTAKES)
def test_every_mistake_is_told_with_its_key(tmp_path: Path, right: str, wrong: str, key: str, words: str) -> None:
    assert GOOD.count(right) == 1
    file = tmp_path / "board.toml"
    file.write_text(GOOD.replace(right, wrong))
    with pytest.raises(ConfigError) as told:
        load_profile(file)
    assert any(f"{key}: " in line and words in line for line in str(told.value).splitlines()), str(told.value)


def test_one_pwm_has_one_owner(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    fan = GOOD[GOOD.index("[[fans]]") :]
    file.write_text(GOOD + fan.replace("front", "rear"))
    with pytest.raises(ConfigError, match=r"fans\[1\]\.pwm: pwm1 of nct6775 already has an owner"):
        load_profile(file)
