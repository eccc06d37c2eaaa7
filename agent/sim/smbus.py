# SPDX-License-Identifier: Apache-2.0
"""A simulated I2C bus in front of the plant's devices; errors are the kernel's."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from agent.hardware.lm75 import TEMPERATURE
from agent.sim.plant import temperature_word
from agent.sim.supply import CrpsSupply

if TYPE_CHECKING:
    from agent.sim.plant import Plant


class SimulatedSmbus:
    """Implements agent.hardware.smbus.SmbusPort."""

    def __init__(self, plant: Plant, name: str) -> None:
        self._plant = plant
        self._name = name

    def read_byte_data(self, address: int, command: int) -> int:
        return self._supply(address).read_byte(command)

    def read_word_data(self, address: int, command: int) -> int:
        device = self._plant.device(self._name, address, time.monotonic_ns())
        if isinstance(device, CrpsSupply):
            return device.read_word(command)
        if command == TEMPERATURE:
            return temperature_word(device)
        raise _refused()

    def write_byte_data(self, address: int, command: int, value: int) -> None:
        self._supply(address).write_byte(command, value)
        self._plant.settle(time.monotonic_ns())

    def read_block_data(self, address: int, command: int) -> bytes:
        return self._supply(address).read_block(command)

    def close(self) -> None:
        """Nothing to give back."""

    def _supply(self, address: int) -> CrpsSupply:
        device = self._plant.device(self._name, address, time.monotonic_ns())
        if not isinstance(device, CrpsSupply):
            raise _refused()
        return device


def _refused() -> OSError:
    return OSError(errno.ENXIO, os.strerror(errno.ENXIO))
