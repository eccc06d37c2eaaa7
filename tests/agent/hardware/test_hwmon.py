# SPDX-License-Identifier: Apache-2.0
"""hwmon chips by name: found wherever the kernel puts them, and every fault told with its place and cure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent.hardware.hwmon import HwmonChip, KernelHwmon
from agent.hardware.hwmon_fan import FanSetting, PwmFan
from tests.agent.hardware.fake_sysfs import EIO, FailingHwmon, FakeSysfs

if TYPE_CHECKING:
    from pathlib import Path

CPU = HwmonChip("k10temp")


@pytest.fixture
def sysfs(tmp_path: Path) -> FakeSysfs:
    return FakeSysfs(tmp_path)


def test_a_chip_is_found_by_name_and_again_under_another_number(sysfs: FakeSysfs) -> None:
    sysfs.plug(0, "acpitz", temp1_input=20_000)
    sysfs.plug(3, "k10temp", temp1_input=45_500, temp1_label="Tctl", temp2_input=-1000, temp2_label="Tccd1")
    port = KernelHwmon(sysfs.root)
    assert port.read(CPU, "temp1_input") == 45_500
    assert port.attribute_of(CPU, "temp", "Tccd1") == "temp2_input"
    sysfs.renumber(3, 1)
    assert port.read(CPU, "temp2_input") == -1000
    sysfs.plug(3, "nvme", temp1_input=70_000)  # another chip where it was
    assert port.read(CPU, "temp1_input") == 45_500


def test_another_chip_in_its_place_is_never_taken_for_it(sysfs: FakeSysfs) -> None:
    sysfs.plug(0, "k10temp", temp1_input=45_000)
    port = KernelHwmon(sysfs.root)
    assert port.read(CPU, "temp1_input") == 45_000
    sysfs.unplug(0)
    sysfs.plug(0, "nvme", temp1_input=70_000)
    with pytest.raises(OSError, match=r"no chip k10temp in .*there are: nvme.*driver loaded"):
        port.read(CPU, "temp1_input")


def test_two_chips_of_one_name_are_told_apart_by_their_device(sysfs: FakeSysfs) -> None:
    sysfs.plug(0, "tmp102", device="1-0048", temp1_input=21_000)
    sysfs.plug(1, "tmp102", device="1-0049", temp1_input=22_000)
    port = KernelHwmon(sysfs.root)
    assert port.read(HwmonChip("tmp102", "1-0049"), "temp1_input") == 22_000
    with pytest.raises(OSError, match=r"2 chips are named tmp102; say which by 'device': 1-0048, 1-0049"):
        port.read(HwmonChip("tmp102"), "temp1_input")


@pytest.mark.parametrize("content", ["", "abc", "1.5", "12 13", "0x20", "9" * 40, "\xff\xfe", "nan"])
def test_what_is_no_number_is_no_reading(sysfs: FakeSysfs, content: str) -> None:
    sysfs.plug(0, "k10temp", temp1_input=content)
    with pytest.raises(OSError, match=r"k10temp: temp1_input reads .*which is no number"):
        KernelHwmon(sysfs.root).read(CPU, "temp1_input")


def test_what_is_not_there_is_told(sysfs: FakeSysfs, tmp_path: Path) -> None:
    sysfs.plug(0, "k10temp", temp1_input=1, temp1_label="Tctl")
    port = KernelHwmon(sysfs.root)
    with pytest.raises(OSError, match="k10temp: temp9_input: No such file"):
        port.read(CPU, "temp9_input")
    assert port.read_optional(CPU, "temp9_input") is None
    with pytest.raises(OSError, match="no channel 'Tdie'; it has: Tctl"):
        port.attribute_of(CPU, "temp", "Tdie")
    with pytest.raises(OSError, match="k10temp: pwm1: No such file"):
        port.write(CPU, "pwm1", 1)
    assert not (sysfs.root / "hwmon0" / "pwm1").exists()
    with pytest.raises(OSError, match=r"there are: none"):
        KernelHwmon(tmp_path / "nowhere").read(CPU, "temp1_input")


FAN = HwmonChip("nct6775")


def fan_of(sysfs: FakeSysfs, pwm1_enable: int = 5) -> tuple[PwmFan, FailingHwmon]:
    sysfs.plug(0, "nct6775", pwm1=90, pwm1_enable=pwm1_enable, fan1_input=1200)
    return PwmFan(FAN, 1, 1), FailingHwmon(sysfs.root)


def test_a_fan_is_driven_and_given_back(sysfs: FakeSysfs) -> None:
    fan, port = fan_of(sysfs)
    found = fan.setting(port)
    assert found == FanSetting(5, 90)
    assert fan.rpm(port) == 1200
    fan.drive(port, 50)
    assert fan.setting(port) == FanSetting(1, 128)
    written = len(port.written)
    fan.drive(port, 50)
    assert len(port.written) == written  # it is so already
    fan.drive(port, 52)
    assert fan.setting(port).pwm == 133
    fan.hand_back(port, found)
    assert fan.setting(port).enable == 5


def test_a_fan_that_was_manual_gets_its_duty_back(sysfs: FakeSysfs) -> None:
    fan, port = fan_of(sysfs, pwm1_enable=1)
    found = fan.setting(port)
    fan.drive(port, 100)
    fan.hand_back(port, found)
    assert fan.setting(port) == FanSetting(1, 90)


def test_a_fan_without_a_mode_is_driven_as_well(sysfs: FakeSysfs) -> None:
    sysfs.plug(0, "nct6775", pwm1=90)
    fan, port = PwmFan(FAN, 1, None), FailingHwmon(sysfs.root)
    found = fan.setting(port)
    fan.drive(port, 100)
    assert fan.setting(port) == FanSetting(None, 255)
    assert fan.rpm(port) is None
    fan.hand_back(port, found)
    assert fan.setting(port) == FanSetting(None, 90)


def test_somebody_else_who_sets_the_fan_does_not_keep_it(sysfs: FakeSysfs) -> None:
    fan, port = fan_of(sysfs)
    fan.drive(port, 80)
    port.write(FAN, "pwm1_enable", 5)
    port.write(FAN, "pwm1", 20)
    fan.drive(port, 80)
    assert fan.setting(port) == FanSetting(1, 204)


def test_every_write_is_read_back(sysfs: FakeSysfs) -> None:
    fan, port = fan_of(sysfs)
    port.stubborn = {"pwm1_enable"}
    with pytest.raises(OSError, match="pwm1_enable is 5 again"):
        fan.drive(port, 100)
    port.stubborn = {"pwm1"}
    with pytest.raises(OSError, match="pwm1 was set to 0 and reads 255"):
        fan.drive(port, 0)
    port.stubborn = set()
    fan.drive(port, 100)
    port.stubborn = {"pwm1_enable"}
    with pytest.raises(OSError, match="pwm1_enable was set to 2 and reads 1"):
        fan.hand_back(port, FanSetting(2, 0))


def test_a_chip_that_rounds_is_obeyed_but_not_to_a_standstill(sysfs: FakeSysfs) -> None:
    fan, _ = fan_of(sysfs)

    class Coarse(FailingHwmon):
        def write(self, chip: HwmonChip, attribute: str, value: int) -> None:
            super().write(chip, attribute, value if attribute != "pwm1" else value // 16 * 16)

    coarse = Coarse(sysfs.root)
    fan.drive(coarse, 50)
    assert fan.setting(coarse).pwm == 128
    fan.drive(coarse, 52)
    with pytest.raises(OSError, match="pwm1 was set to 10 and reads 0"):
        fan.drive(coarse, 4)


def test_a_tachometer_that_cannot_be_read_is_told(sysfs: FakeSysfs) -> None:
    fan, port = fan_of(sysfs)
    port.failing = {"fan1_input": EIO}
    with pytest.raises(OSError, match=os.strerror(EIO)):
        fan.rpm(port)
