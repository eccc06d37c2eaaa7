# SPDX-License-Identifier: Apache-2.0
"""A simulated I2C bus in front of the plant's devices; errors are the kernel's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.hardware.lm75 import TEMPERATURE
from agent.sim import supply_registers as registers
from agent.sim.plant import temperature_word
from agent.sim.supply import CrpsSupply

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.sim.plant import Plant


class SimulatedSmbus:
    """Implements agent.hardware.smbus.SmbusPort: an adapter with block reads and packet error codes."""

    can_pec = True
    can_process_call = False

    def __init__(self, plant: Plant, name: str, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._plant = plant
        self._name = name
        self._clock_ns = clock_ns

    def read_byte(self, address: int) -> int:
        self._plant.bus_faults[self._name].strike(pec=False)
        return self._plant.ping(self._name, address)

    def read_byte_data(self, address: int, command: int, pec: bool = False) -> int:
        return registers.read_byte(self._supply(address, pec), command)

    def read_word_data(self, address: int, command: int, pec: bool = False) -> int:
        self._plant.bus_faults[self._name].strike(pec)
        device = self._plant.device(self._name, address, self._clock_ns())
        if isinstance(device, CrpsSupply):
            return registers.read_word(device, command)
        if command == TEMPERATURE:
            return temperature_word(device)
        raise registers.refused()

    def write_byte_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        registers.write_byte(self._supply(address, pec), command, value)
        self._plant.settle(self._clock_ns())

    def write_word_data(self, address: int, command: int, value: int, pec: bool = False) -> None:
        registers.write_word(self._supply(address, pec), command, value)

    def read_block_data(self, address: int, command: int, pec: bool = False) -> bytes:
        return registers.read_block(self._supply(address, pec), command)

    def block_process_call(self, address: int, command: int, data: bytes, pec: bool = False) -> bytes:
        raise registers.refused()

    def close(self) -> None:
        """Nothing to give back."""

    def _supply(self, address: int, pec: bool) -> CrpsSupply:
        self._plant.bus_faults[self._name].strike(pec)
        device = self._plant.device(self._name, address, self._clock_ns())
        if not isinstance(device, CrpsSupply):
            raise registers.refused()
        return device
