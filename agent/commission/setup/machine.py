# SPDX-License-Identifier: Apache-2.0
"""The machine that setup runs on: where it is looked at, and how its chips and buses are opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commission.setup.board_model import known_board, read_model
from agent.commission.setup.gpio_chips import find_chips, read_chip
from agent.commission.setup.i2c_buses import find_buses
from agent.hardware.linux_smbus import LinuxSmbus

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.commission.setup.board_model import KnownBoard
    from agent.commission.setup.gpio_chips import FoundChips, GpioChip
    from agent.commission.setup.i2c_buses import I2cBusNode
    from agent.hardware.smbus import SmbusPort


@dataclass(frozen=True, slots=True)
class Machine:
    """The real one, unless a test says otherwise."""

    root: Path = Path("/")
    read_chip: Callable[[str], GpioChip] = read_chip
    open_bus: Callable[[int], SmbusPort] = LinuxSmbus


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found without touching anything. `model` is empty on a machine without a device tree."""

    model: str
    board: KnownBoard | None
    gpio: FoundChips
    buses: tuple[I2cBusNode, ...]

    def told(self) -> list[str]:
        """In words, one line each."""
        lines = [f"board:      {self.model or 'no device tree: a PC, or a virtual machine'}"]
        for chip in self.gpio.chips:
            lines.append(f"GPIO chip:  {chip.label} ({chip.device}, {len(chip.lines)} lines)")
        lines += [f"GPIO chip:  {trouble}" for trouble in self.gpio.troubles]
        if not self.gpio.chips and not self.gpio.troubles:
            lines.append("GPIO chip:  none")
        for bus in self.buses:
            lines.append(f"I2C bus:    {bus.number}{f' ({bus.name})' if bus.name else ''}")
        if not self.buses:
            lines.append("I2C bus:    none")
        return lines


def look(machine: Machine) -> Findings:
    """Opens GPIO chips to read their names, and nothing else."""
    model = read_model(machine.root)
    return Findings(model, known_board(model), find_chips(machine.root, machine.read_chip), find_buses(machine.root))
