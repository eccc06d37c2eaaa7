# SPDX-License-Identifier: Apache-2.0
"""What the caller of the lab can choose about the guest, as one typed value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.engine import Engine

DEFAULT_LINES = (
    "POWER_BUTTON",
    "RESET_BUTTON",
    "NMI_BUTTON",
    "ID_BUTTON",
    "POWER_GOOD",
    "PS_ON",
    "SYS_RESET",
    "POWER_LED",
    "ID_LED",
    "FAULT_LED",
    "PRESENT_0",
    "PRESENT_1",
    "FAN_FAIL",
    "THERM_ALERT",
    "SPARE_14",
    "SPARE_15",
)


@dataclass(frozen=True, slots=True)
class GuestOptions:
    """One run of the lab: the machine, its simulated hardware and the command."""

    engine: Engine
    command: tuple[str, ...]
    working_directory: Path
    memory_mib: int = 1024
    timeout_s: float = 600.0

    gpio_chips: tuple[tuple[str, ...], ...] = (DEFAULT_LINES,)
    """The line names of each simulated chip; an empty name leaves that line without one."""

    i2c_addresses: tuple[int, ...] = (0x58, 0x59)
    """Where i2c-stub answers; none at all means that the module is not loaded."""

    modules: tuple[str, ...] = ()
    """Further kernel modules, each with its parameters as modprobe takes them."""

    writable: tuple[Path, ...] = ()
    """Folders of the host that the guest may really write to."""

    disk: Path | None = None
    """An ext4 image for /mnt/disk, made if it is missing."""

    power_cut_s: float | None = None
    """Stop the guest dead so long after the command began."""
