# SPDX-License-Identifier: Apache-2.0
"""The simulated air: fans that cool, fans that stand still, humidity, as hwmon chips show them."""

from __future__ import annotations

import pytest

from agent.hardware.hwmon import HwmonChip
from agent.hardware.hwmon_fan import PwmFan
from agent.profile.load import find_profile, load_profile
from agent.sim.fan import FULL_RPM
from agent.sim.hwmon import SimulatedHwmon
from agent.sim.plant import Plant
from agent.sim.things import UnknownThing

S = 1_000_000_000
CHIP, SHT = HwmonChip("nct6775"), HwmonChip("sht3x")
PROFILE = load_profile(find_profile("sim"))


class Room:
    def __init__(self) -> None:
        self.now_ns = 0
        self.plant = Plant(PROFILE, 0)
        self.port = SimulatedHwmon(PROFILE, self.plant, lambda: self.now_ns)
        self.fan = PwmFan(CHIP, 1, 1)
        self.plant.power_button("0", True, 0)
        self.wait(1)

    def wait(self, seconds: int) -> None:
        """In steps, so that the temperature follows the fan as it spins up."""
        for _ in range(seconds):
            self.now_ns += S
            self.plant.advance(self.now_ns)

    def cpu_c(self) -> float:
        return self.plant.measured("cpu")


def test_more_air_is_cooler_and_a_stalled_fan_is_hot() -> None:
    room = Room()
    rises = {}
    for duty in (30, 50, 100):
        room.fan.drive(room.port, duty)
        room.wait(200)
        rises[duty] = room.cpu_c() - 23.0
        assert room.fan.rpm(room.port) == pytest.approx(FULL_RPM * duty / 100, rel=0.02)
    assert rises[30] > 1.2 * rises[50] > 1.2 * 1.4 * rises[100] > 5
    room.plant.fan("system", "stall", room.now_ns)
    room.wait(200)
    assert room.fan.rpm(room.port) == 0
    assert room.cpu_c() - 23.0 == pytest.approx(120 * 0.16 / 0.4, rel=0.01)
    room.plant.fan("system", "normal", room.now_ns)
    room.wait(200)
    assert room.cpu_c() - 23.0 == pytest.approx(rises[100], rel=0.01)


def test_the_firmware_has_the_fan_until_somebody_takes_it_and_after_he_gave_it_back() -> None:
    room = Room()
    found = room.fan.setting(room.port)
    assert (found.enable, round(found.duty_percent)) == (2, 40)
    room.fan.drive(room.port, 100)
    assert room.fan.setting(room.port).duty_percent == 100
    room.fan.hand_back(room.port, found)
    room.wait(5)
    assert room.fan.setting(room.port) == found


def test_humidity_is_shown_in_thousandths_and_warm_air_is_drier() -> None:
    room = Room()
    cool = room.port.read(SHT, "humidity1_input")
    assert cool == pytest.approx(45_000, rel=0.01)
    room.plant.sensor("room", 81.5)
    assert room.port.read(SHT, "humidity1_input") == 81_500
    room.plant.sensor("Room Humidity", None)
    room.wait(300)
    assert 42_000 < room.port.read(SHT, "humidity1_input") < cool


def test_what_the_chips_do_not_have_is_refused_as_the_kernel_does() -> None:
    room = Room()
    for attribute in ("pwm2", "temp1_input"):
        with pytest.raises(OSError, match=f"nct6775: {attribute}: No such file"):
            room.port.read(CHIP, attribute)
    assert room.port.read_optional(CHIP, "pwm2") is None
    for attribute, value in (("pwm1", 256), ("pwm1", -1), ("pwm1_enable", 9)):
        with pytest.raises(OSError, match="Invalid argument"):
            room.port.write(CHIP, attribute, value)
    with pytest.raises(OSError, match="No such file"):
        room.port.write(CHIP, "fan1_input", 1)
    with pytest.raises(UnknownThing, match="no fan 'rear'; it has: system"):
        room.plant.fan("rear", "stall", 0)
