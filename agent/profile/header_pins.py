# SPDX-License-Identifier: Apache-2.0
"""The 40-pin headers of boards: what each pin does from reset on, and whether it may be an output."""

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
    NONE = "none"
    VARIES = "by pin"
    """Up or down, other for each pin: the maker's pin list says which."""


@dataclass(frozen=True, slots=True)
class HeaderPin:
    """`why_no_output` is empty where an output is fine; `booting` is what the wire sees before the agent runs.

    `gpio` is the number or the name that people know the signal by.
    """

    gpio: int | str
    pin: int
    pull: Pull
    booting: str = "low, weak"
    why_no_output: str = ""

    @property
    def signal(self) -> str:
        """As a warning names it."""
        return f"GPIO{self.gpio}" if isinstance(self.gpio, int) else self.gpio


_PULLED_UP = "it is pulled up from reset until the agent runs, which may press a button"
_UART = "it is the serial port, which the firmware drives while it boots"

PINS: dict[int, HeaderPin] = {
    number: entry
    for number, entry in enumerate(
        (
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
    )
}
"""Of a Raspberry Pi, by GPIO number."""


ORANGE_PI_ZERO_2W = "Orange Pi Zero 2W"
"""The product that a profile for it names: other boards with its chip have other headers."""
_FLOATS = "floats; the 10 k holds it low"
_H618_SERIAL = "it is the serial console, which the firmware drives while it boots"

ORANGE_PINS: dict[int, HeaderPin] = {
    226: HeaderPin("PH2", 11, Pull.NONE, _FLOATS),
    257: HeaderPin("PI1", 12, Pull.NONE, _FLOATS),
    227: HeaderPin("PH3", 13, Pull.NONE, _FLOATS),
    261: HeaderPin("PI5", 15, Pull.NONE, _FLOATS),
    270: HeaderPin("PI14", 16, Pull.NONE, _FLOATS),
    228: HeaderPin("PH4", 18, Pull.NONE, _FLOATS),
    262: HeaderPin("PI6", 22, Pull.NONE, _FLOATS),
    224: HeaderPin("PH0", 8, Pull.NONE, "driven: the serial console talks", _H618_SERIAL),
    225: HeaderPin("PH1", 10, Pull.NONE, "the serial console's input", _H618_SERIAL),
}
"""By offset: 32 lines for each letter from A on. Pins that are not here have a second job."""

_ROCK_SERIAL = "it is the serial console of most of these boards, which the firmware drives while it boots"
_ROCK_I2C = "it is an I2C bus, with pull-ups on the board"
_ROCK_SPECIAL = {3: _ROCK_I2C, 5: _ROCK_I2C, 27: _ROCK_I2C, 28: _ROCK_I2C, 8: _ROCK_SERIAL, 10: _ROCK_SERIAL}
_PI_NAME = re.compile(r"GPIO(\d{1,2})")
_PIN_NAME = re.compile(r"PIN_(\d{1,2})")
"""Radxa's kernels name a line by its pin of the header."""


def header_pin(profile: Profile, line: LineTable) -> HeaderPin | None:
    """The pin of a line on a header that is known; else None."""
    if named := _PI_NAME.fullmatch(line.line):
        return PINS.get(int(named[1]))
    if named := _PIN_NAME.fullmatch(line.line):
        pin = int(named[1])
        return HeaderPin(line.line, pin, Pull.VARIES, "weak, up or down", _ROCK_SPECIAL.get(pin, ""))
    if line.offset is None or line.chip not in profile.chips:
        return None
    if profile.board.product == ORANGE_PI_ZERO_2W:
        return ORANGE_PINS.get(line.offset)
    labels = profile.chips[line.chip].labels
    return PINS.get(line.offset) if labels and all(label.startswith(PI_LABELS) for label in labels) else None
