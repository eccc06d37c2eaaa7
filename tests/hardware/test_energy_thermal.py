# SPDX-License-Identifier: Apache-2.0
"""Heat that the kernel emulates, as the agent's own sensors read it."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from agent.energy.sysfs import Sysfs
from agent.hardware.hwmon import HwmonChip, KernelHwmon
from agent.hardware.port_thread import PortThread
from agent.profile.thermal_tables import Quantity
from agent.thermal.sources import HwmonSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.hardware.hwmon import HwmonPort

BATTERY = "test_battery"


@pytest.fixture
def zone() -> Iterator[str]:
    """The name of the simulated battery's thermal zone, such as thermal_zone0: found by its type."""
    subprocess.run(["modprobe", "test_power"], check=True)
    sysfs = Sysfs()
    found = [
        name
        for name in sysfs.names("class/thermal", "thermal_zone*")
        if sysfs.text(f"class/thermal/{name}/type") == BATTERY
    ]
    assert len(found) == 1
    yield found[0]
    sysfs.write(f"class/thermal/{found[0]}/emul_temp", 0)


def read(chip: HwmonChip) -> float:
    """As the agent does: on a thread of its own, with a deadline."""
    thread: PortThread[HwmonPort] = PortThread("test-hwmon", KernelHwmon(), "it does not answer")

    async def story() -> float:
        try:
            reading = await HwmonSource(thread, chip, Quantity.TEMPERATURE, "temp1_input", "").read()
        finally:
            thread.close()
        assert reading.value is not None
        return reading.value

    return asyncio.run(story())


def test_emulated_heat_is_what_a_sensor_reads(zone: str) -> None:
    for millicelsius in (45_000, 71_500, 104_250):
        assert Sysfs().write(f"class/thermal/{zone}/emul_temp", millicelsius) is None
        assert read(HwmonChip(BATTERY, zone)) == millicelsius / 1000


def test_two_chips_of_one_name_are_told_apart(zone: str) -> None:
    """The battery itself is a second chip of this name, with a temperature of its own."""
    with pytest.raises(OSError, match=f"2 chips are named {BATTERY}.*{zone}"):
        read(HwmonChip(BATTERY))
