# SPDX-License-Identifier: Apache-2.0
"""Sensors behind the kernel's own lm75 driver: found by name in the real /sys/class/hwmon, under whatever number."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.hardware.hwmon import HwmonChip, KernelHwmon
from agent.hardware.hwmon_supply import hwmon_of
from agent.hardware.lm75 import TEMPERATURE, encode_temperature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smbus2 import SMBus

FIRST, SECOND = 0x58, 0x59
SYS = Path("/sys")


@contextmanager
def driven(number: int, address: int) -> Iterator[Path]:
    """The kernel's driver bound to a chip; its hwmon folder."""
    device = SYS / "bus" / "i2c" / "devices" / f"i2c-{number}"
    (device / "new_device").write_text(f"lm75 {address:#04x}\n")
    try:
        deadline = time.monotonic() + 5
        while (folder := hwmon_of(SYS, number, address)) is None:
            assert time.monotonic() < deadline, "the kernel's driver did not bind"
            time.sleep(0.02)
        yield folder
    finally:
        (device / "delete_device").write_text(f"{address:#04x}\n")


@pytest.fixture
def number() -> int:
    return int(os.environ["HWLAB_I2C"])


@pytest.fixture
def chips(i2c_bus: SMBus) -> None:
    for address, celsius in ((FIRST, 31.5), (SECOND, -4.5)):
        i2c_bus.write_word_data(address, TEMPERATURE, encode_temperature(celsius))


@pytest.mark.usefixtures("chips")
def test_chips_of_one_name_are_found_by_their_device(number: int) -> None:
    port = KernelHwmon()
    with driven(number, FIRST):
        assert port.read(HwmonChip("lm75"), "temp1_input") == 31_500
        with driven(number, SECOND):
            assert port.read(HwmonChip("lm75", f"{number}-{SECOND:04x}"), "temp1_input") == -4500
            with pytest.raises(OSError, match="2 chips are named lm75"):
                KernelHwmon().read(HwmonChip("lm75"), "temp1_input")
    with pytest.raises(OSError, match="no chip lm75 in /sys/class/hwmon"):
        port.read(HwmonChip("lm75"), "temp1_input")


@pytest.mark.usefixtures("chips")
def test_a_chip_is_found_again_under_another_number(number: int) -> None:
    port, chip = KernelHwmon(), HwmonChip("lm75", f"{number}-{FIRST:04x}")
    with driven(number, FIRST) as before:
        assert port.read(chip, "temp1_input") == 31_500
    with driven(number, SECOND), driven(number, FIRST) as after:
        assert after.name != before.name
        assert port.read(chip, "temp1_input") == 31_500


@pytest.mark.usefixtures("chips")
def test_an_attribute_is_written_and_read_back(number: int) -> None:
    port, chip = KernelHwmon(), HwmonChip("lm75")
    with driven(number, FIRST):
        port.write(chip, "temp1_max", 85_000)
        assert port.read(chip, "temp1_max") == 85_000
        with pytest.raises(OSError, match="lm75: pwm1: No such file"):
            port.write(chip, "pwm1", 255)
