# SPDX-License-Identifier: Apache-2.0
"""Opens the profile's I2C buses: the kernel's adapters, or the simulated plant's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.i2c_bus import I2cBus
from agent.hardware.linux_smbus import LinuxSmbus
from agent.hardware.smbus import BusError

if TYPE_CHECKING:
    from agent.profile.schema import Profile


def open_kernel_buses(profile: Profile) -> dict[str, I2cBus]:
    """One bus each, with its thread. Raises BusError."""
    buses: dict[str, I2cBus] = {}
    try:
        for name, table in profile.buses.items():
            assert table.number is not None  # the profile check has seen to that
            try:
                buses[name] = I2cBus(name, LinuxSmbus(table.number))
            except BusError as error:
                raise BusError(f"buses.{name}: {error}") from error
    except BaseException:
        for bus in buses.values():
            bus.close()
        raise
    return buses
