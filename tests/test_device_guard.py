# SPDX-License-Identifier: Apache-2.0
"""No test can reach a real device node, in this process or in one that it starts. True on any machine, wired or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import device_guard
import gpiod
import pytest
from smbus2 import SMBus

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(os.environ.get("HWLAB") == "1", reason="inside the lab the devices are simulated")

OPENERS = {
    "open": lambda: Path("/dev/gpiochip0").read_text(),
    "os.open": lambda: os.open("/dev/i2c-1", os.O_RDWR),
    "roundabout path": lambda: Path("/dev/../dev//gpiochip4").read_bytes(),
    "bytes": lambda: os.open(b"/dev/i2c-0", os.O_RDWR),
    "sysfs": lambda: os.open("/sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw", os.O_WRONLY),
    "sysfs, roundabout": lambda: Path("/sys/class/../devices/system/cpu/cpufreq/boost").write_text("1"),
    "smbus2": lambda: SMBus(1),
    "gpiod.Chip": lambda: gpiod.Chip("/dev/gpiochip0"),
    "gpiod.request_lines": lambda: gpiod.request_lines("/dev/gpiochip0", config={0: None}),
}


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS.keys())
def test_opening_a_real_device_ends_the_test(opener: Callable[[], object]) -> None:
    with pytest.raises(device_guard.RealDeviceOpened, match="make lab"):
        opener()


def test_link_to_a_real_device_is_seen(tmp_path: Path) -> None:
    link = tmp_path / "harmless"
    link.symlink_to("/dev/gpiochip0")
    with pytest.raises(device_guard.RealDeviceOpened):
        link.open("rb")


def test_sysfs_may_be_read() -> None:
    assert os.path.exists("/sys/devices/system/cpu")
    Path("/sys/devices/system/cpu/possible").read_text()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/gpiochip100", "/dev/i2c-1000"])
def test_other_files_are_left_alone(path: str) -> None:
    device_guard.refuse_if_real(path)


@pytest.mark.parametrize(
    "code", ["open('/dev/i2c-1', 'rb')", "import gpiod; gpiod.Chip('/dev/gpiochip0')"], ids=["open", "gpiod"]
)
def test_process_started_by_a_test_is_guarded(code: str) -> None:
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert child.returncode != 0
    assert "RealDeviceOpened" in child.stderr
