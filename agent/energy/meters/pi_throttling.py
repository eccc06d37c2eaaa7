# SPDX-License-Identifier: Apache-2.0
"""What a Raspberry Pi's firmware says of its own supply and heat: throttled now, or since it was started."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

from agent.energy.sysfs import Failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.sysfs import Sysfs

FILE = "devices/platform/soc/soc:firmware/get_throttled"
"""Of the Raspberry Pi kernel: hexadecimal, without a prefix."""
COMMAND = ("vcgencmd", "get_throttled")
VOLTAGE_CHIP = "rpi_volt"
WITHIN_S = 2.0
SINCE_BOOT = 16
"""The upper half says the same of the time since boot."""


class Throttling(IntFlag):
    """Bits 0 to 3 of get_throttled."""

    UNDER_VOLTAGE = 1
    """Below about 4.63 V."""
    FREQUENCY_CAPPED = 2
    THROTTLED = 4
    SOFT_TEMPERATURE_LIMIT = 8


EVERYTHING = (
    Throttling.UNDER_VOLTAGE | Throttling.FREQUENCY_CAPPED | Throttling.THROTTLED | Throttling.SOFT_TEMPERATURE_LIMIT
)


@dataclass(frozen=True, slots=True)
class Throttled:
    """`source` tells how it is known; rpi_volt knows of the voltage only, and of nothing before."""

    now: Throttling
    since_boot: Throttling
    source: str


def parse(text: str, source: str) -> Throttled | None:
    """`throttled=0x50005`, `0x50005` or `50005`, as tools and kernels write it; None for anything else."""
    found = re.fullmatch(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]{1,8})", text.strip())
    if found is None:
        return None
    bits = int(found.group(1), 16)
    return Throttled(Throttling(bits) & EVERYTHING, Throttling(bits >> SINCE_BOOT) & EVERYTHING, source)


def read(sysfs: Sysfs, command: Sequence[str] = COMMAND) -> Throttled | None:
    """By the best means that there is; None where nothing tells. Blocks for up to two seconds."""
    text = sysfs.text(FILE)
    found = None if isinstance(text, Failed) else parse(text, FILE)
    return found or _by_command(command) or _by_voltage(sysfs)


def _by_command(command: Sequence[str]) -> Throttled | None:
    said = run(command)
    return None if said is None else parse(said, command[0])


def _by_voltage(sysfs: Sysfs) -> Throttled | None:
    for entry in sysfs.names("class/hwmon", "hwmon*"):
        if sysfs.text(f"class/hwmon/{entry}/name") == VOLTAGE_CHIP:
            alarm = sysfs.number(f"class/hwmon/{entry}/in0_lcrit_alarm")
            if not isinstance(alarm, Failed):
                return Throttled(Throttling.UNDER_VOLTAGE if alarm else Throttling(0), Throttling(0), VOLTAGE_CHIP)
    return None


def run(command: Sequence[str]) -> str | None:
    """What a program of the firmware says; None where it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=WITHIN_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("ascii", "replace")
