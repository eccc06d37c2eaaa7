# SPDX-License-Identifier: Apache-2.0
"""The GPIO chips of this machine: looked at, never driven. A chip is known by its label, for numbers move."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.commission.setup.interview import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


def misfits(profile: Profile, found: FoundChips) -> list[str]:
    """What the profile names and this machine does not have, one sentence for each chip; it may still be plugged in."""
    troubles = []
    for name, table in profile.chips.items():
        chip = chip_of(table, found)
        if chip is None:
            wanted = table.device or " or ".join(table.labels)
            troubles.append(f"no GPIO chip {wanted} is here now (chips.{name}): the agent will not start without it")
        elif missing := list(_missing(profile, name, chip)):
            troubles.append(f"{chip.label} has no {', '.join(missing)}: see gpioinfo, and edit a copy of the profile")
    everywhere = {line for chip in found.chips for line in chip.lines}
    if nowhere := [line.line for line in profile.lines.values() if not line.chip and line.line not in everywhere]:
        troubles.append(f"no GPIO chip has a line {', '.join(nowhere)}: see gpioinfo, and edit a copy of the profile")
    return troubles


def _missing(profile: Profile, chip_name: str, chip: GpioChip) -> Iterator[str]:
    """What the profile wants of a chip and the chip does not have, as the profile writes it."""
    for line in profile.lines.values():
        if line.chip != chip_name:
            continue
        if line.line and line.line not in chip.lines:
            yield line.line
        if line.offset is not None and line.offset >= len(chip.lines):
            yield f"offset {line.offset}"
