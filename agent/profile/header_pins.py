# SPDX-License-Identifier: Apache-2.0
"""The 40-pin header of a Raspberry Pi: what each GPIO does from reset on, and whether it may be an output."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.profile.schema import LineTable, Profile

PI_LABELS = ("pinctrl-bcm", "pinctrl-rp1")


class Pull(enum.Enum):
    """What holds the pin from reset until somebody asks for it."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class HeaderPin:
    """`why_no_output` is empty where an output is fine; `booting` is what the wire sees before the agent runs."""

    gpio: int
    pin: int
    pull: Pull
    booting: str = "low, weak"
    why_no_output: str = ""


_PULLED_UP = "it is pulled up from reset until the agent runs, which may press a button"
_UART = "it is the serial port, which the firmware drives while it boots"

PINS: dict[int, HeaderPin] = {
    entry.gpio: entry
    for entry in (
        HeaderPin(0, 27, Pull.UP, "driven: the firmware looks for a HAT's memory", _PULLED_UP),
        HeaderPin(1, 28, Pull.UP, "driven: the firmware looks for a HAT's memory", _PULLED_UP),
        HeaderPin(2, 3, Pull.UP, "high, 1.8 k", _PULLED_UP),
        HeaderPin(3, 5, Pull.UP, "high, 1.8 k; low wakes a halted Pi", _PULLED_UP),
        HeaderPin(4, 7, Pull.UP, "high, weak", _PULLED_UP),
        HeaderPin(5, 29, Pull.UP, "high, weak", _PULLED_UP),
        HeaderPin(6, 31, Pull.UP, "high, weak", _PULLED_UP),
        HeaderPin(7, 26, Pull.UP, "high, weak; driven if SPI is on", _PULLED_UP),
        HeaderPin(8, 24, Pull.UP, "high, weak; driven if SPI is on", _PULLED_UP),
        HeaderPin(9, 21, Pull.DOWN, "low, weak; driven if SPI is on"),
        HeaderPin(10, 19, Pull.DOWN, "low, weak; driven if SPI is on"),
        HeaderPin(11, 23, Pull.DOWN, "low, weak; driven if SPI is on"),
        HeaderPin(12, 32, Pull.DOWN),
        HeaderPin(13, 33, Pull.DOWN),
        HeaderPin(14, 8, Pull.DOWN, "driven: the serial port idles high and talks", _UART),
        HeaderPin(15, 10, Pull.DOWN, "the serial port's input", _UART),
        HeaderPin(16, 36, Pull.DOWN),
        HeaderPin(17, 11, Pull.DOWN),
        HeaderPin(18, 12, Pull.DOWN, "low, weak; driven if I2S audio is on"),
        HeaderPin(19, 35, Pull.DOWN, "low, weak; driven if I2S audio is on"),
        HeaderPin(20, 38, Pull.DOWN, "low, weak; driven if I2S audio is on"),
        HeaderPin(21, 40, Pull.DOWN, "low, weak; driven if I2S audio is on"),
        HeaderPin(22, 15, Pull.DOWN),
        HeaderPin(23, 16, Pull.DOWN),
        HeaderPin(24, 18, Pull.DOWN),
        HeaderPin(25, 22, Pull.DOWN),
        HeaderPin(26, 37, Pull.DOWN, "low, weak; the gpio-poweroff overlay drives it"),
        HeaderPin(27, 13, Pull.DOWN),
    )
}


def header_pin(profile: Profile, line: LineTable) -> HeaderPin | None:
    """The pin of a line, where the profile is for a Raspberry Pi's own chip; else None."""
    if named := re.fullmatch(r"GPIO(\d{1,2})", line.line):
        return PINS.get(int(named[1]))
    chip = profile.chips.get(line.chip)
    if chip is not None and all(label.startswith(PI_LABELS) for label in chip.labels) and line.offset is not None:
        return PINS.get(line.offset)
    return None
