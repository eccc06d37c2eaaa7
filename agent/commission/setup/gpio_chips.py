# SPDX-License-Identifier: Apache-2.0
"""The GPIO chips of this machine: looked at, never driven. A chip is known by its label, for numbers move."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.commission.setup.interview import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.profile.schema import ChipTable, Profile


@dataclass(frozen=True, slots=True)
class GpioChip:
    """`lines`: names by offset, empty for a line without one."""

    device: str
    label: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundChips:
    """`troubles`: one sentence for each chip that could not be looked at."""

    chips: tuple[GpioChip, ...]
    troubles: tuple[str, ...] = ()


def read_chip(device: str) -> GpioChip:
    """Ask the kernel about a chip; no line is requested. Raises OSError."""
    import gpiod

    with gpiod.Chip(device) as chip:
        info = chip.get_info()
        names = tuple(printable(chip.get_line_info(offset).name) for offset in range(info.num_lines))
        return GpioChip(device, printable(info.label), names)


def find_chips(root: Path, read: Callable[[str], GpioChip] = read_chip) -> FoundChips:
    """Every chip that has a device node, in the order of their numbers."""
    chips, troubles = [], []
    devices = [file for file in (root / "dev").glob("gpiochip*") if re.fullmatch(r"gpiochip\d+", file.name)]
    for file in sorted(devices, key=lambda file: int(file.name.removeprefix("gpiochip"))):
        try:
            chips.append(read(str(file)))
        except PermissionError:
            troubles.append(f"no permission for {file}: run this with sudo, or as a member of the group that owns it")
        except OSError as error:
            troubles.append(f"{file} cannot be looked at: {error.strerror or error}")
    return FoundChips(tuple(chips), tuple(troubles))


def chip_of(table: ChipTable, found: FoundChips) -> GpioChip | None:
    """The chip that a profile's table means."""
    if table.device:
        return next((chip for chip in found.chips if chip.device == table.device), None)
    return next((chip for chip in found.chips if chip.label in table.labels), None)


def missing_lines(profile: Profile, chip_name: str, chip: GpioChip) -> list[str]:
    """What the profile wants of a chip and the chip does not have, as the profile writes it."""
    missing = []
    for line in profile.lines.values():
        if line.chip != chip_name:
            continue
        if line.line and line.line not in chip.lines:
            missing.append(line.line)
        if line.offset is not None and line.offset >= len(chip.lines):
            missing.append(f"offset {line.offset}")
    return missing
