# SPDX-License-Identifier: Apache-2.0
"""Kernel files as they really answer: an emulated temperature, three kinds of no, and power that a driver measures."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.energy.actuators.cpufreq import Cpufreq
from agent.energy.actuators.interface import Answer
from agent.energy.actuators.powercap import Powercap
from agent.energy.meters.hwmon_power import HwmonPower
from agent.energy.meters.interface import NoReading, Reading
from agent.energy.meters.load_model import LoadModel, Utilisation
from agent.energy.rivals import rivals
from agent.energy.sysfs import Failed, Fault, Sysfs
from agent.hardware.hwmon import HwmonChip, KernelHwmon
from agent.hardware.hwmon_supply import hwmon_of
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.registers import Register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smbus2 import SMBus

ADDRESS = 0x58
BATTERY = "test_battery"


@pytest.fixture
def sysfs() -> Sysfs:
    return Sysfs()


@pytest.fixture
def zone(sysfs: Sysfs) -> str:
    """The kernel's simulated battery, which has a temperature; a zone is found by its type, never by its number."""
    subprocess.run(["modprobe", "test_power"], check=True)
    for name in sysfs.names("class/thermal", "thermal_zone*"):
        if sysfs.text(f"class/thermal/{name}/type") == BATTERY:
            return f"class/thermal/{name}"
    raise AssertionError("the kernel made no thermal zone for its simulated battery")


def test_a_temperature_is_emulated_and_read_back(sysfs: Sysfs, zone: str) -> None:
    for millicelsius in (71_500, 45_000):
        assert sysfs.write(f"{zone}/emul_temp", millicelsius) is None
        assert sysfs.number(f"{zone}/temp") == millicelsius
    assert sysfs.write(f"{zone}/emul_temp", 0) is None
    assert sysfs.number(f"{zone}/temp") != 45_000


def test_absent_forbidden_and_refused_as_the_kernel_says_them(sysfs: Sysfs, zone: str) -> None:
    """As root, too: a mode is not what keeps root out, but the kernel does."""
    answers = [
        sysfs.write(f"{zone}/no_such_file", 1),
        sysfs.write(f"{zone}/temp", 1),
        sysfs.write(f"{zone}/mode", "sideways"),
        sysfs.number(f"{zone}/type"),
    ]
    faults = [answer.fault for answer in answers if isinstance(answer, Failed)]
    assert faults == [Fault.ABSENT, Fault.FORBIDDEN, Fault.REFUSED, Fault.REFUSED]
    assert isinstance(answers[1], Failed)
    assert "the kernel only lets it be read" in answers[1].reason


def test_a_machine_without_these_knobs_says_so(sysfs: Sysfs) -> None:
    for actuator in (Powercap(sysfs), Cpufreq(sysfs, 10.0, 60.0)):
        applied = actuator.apply(30.0)
        assert (applied.answer, applied.in_force_w) == (Answer.ABSENT, None)
        assert applied.reason.startswith("/sys/")
        assert (actuator.save(), actuator.range_w()) == ({}, None)


@pytest.fixture
def driven_supply(i2c_bus: SMBus) -> Iterator[None]:
    """The kernel's pmbus driver over a simulated supply that draws 141 W."""
    i2c_bus.write_byte_data(ADDRESS, Register.VOUT_MODE, 0x17)
    for register, word in ((Register.STATUS_WORD, 0), (Register.READ_PIN, encode_linear11(141.0))):
        i2c_bus.write_word_data(ADDRESS, register, word)
    subprocess.run(["modprobe", "pmbus"], check=False)
    number = int(os.environ["HWLAB_I2C"])
    device = Path(f"/sys/bus/i2c/devices/i2c-{number}")
    (device / "new_device").write_text(f"pmbus {ADDRESS:#04x}\n")
    try:
        deadline = time.monotonic() + 5
        while hwmon_of(Path("/sys"), number, ADDRESS) is None:
            assert time.monotonic() < deadline, "the kernel's driver did not bind"
            time.sleep(0.02)
        yield
    finally:
        (device / "delete_device").write_text(f"{ADDRESS:#04x}\n")


@pytest.mark.usefixtures("driven_supply")
def test_power_that_a_driver_measures() -> None:
    answer = HwmonPower(KernelHwmon(), HwmonChip("pmbus")).read(time.monotonic_ns())
    assert isinstance(answer, Reading)
    assert answer.watts == pytest.approx(141.0, rel=0.01)


def test_power_of_a_chip_that_is_not_there() -> None:
    answer = HwmonPower(KernelHwmon(), HwmonChip("ina226")).read(0)
    assert isinstance(answer, NoReading)
    assert "no chip ina226 in /sys/class/hwmon" in answer.reason


def test_the_load_and_the_processes_of_this_kernel() -> None:
    model = LoadModel(Utilisation(Sysfs(Path("/proc"))), idle_w=10.0, busy_w=50.0)
    model.read(0)
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        sum(range(1000))
    answer = model.read(time.monotonic_ns())
    assert isinstance(answer, Reading)
    assert 30.0 < answer.watts <= 50.0
    assert rivals(Sysfs(Path("/")), "cpufreq") == ()
