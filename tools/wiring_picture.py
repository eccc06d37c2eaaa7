#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/images/wiring.svg, one PC on a Raspberry Pi, from its profile; `--check` only says whether it is old."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from agent.profile.header_pins import header_pin
from agent.profile.load import load_profile, shipped_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.schema import Profile

PICTURE = Path(__file__).resolve().parent.parent / "docs/images/wiring.svg"
PROFILE = "raspberry-pi-atx"


@dataclass(frozen=True, slots=True)
class Coupler:
    """One optocoupler: the profile's line at the Pi, and the two pins of the front-panel header (Intel's numbers)."""

    line: str
    plus: tuple[int, str]
    minus: tuple[int, str]


OUTPUTS = (
    Coupler("power-button", (6, "POWER SW +"), (8, "POWER SW -")),
    Coupler("reset-button", (7, "RESET SW +"), (5, "RESET SW -")),
)
SENSE = Coupler("power-good", (2, "POWER LED +"), (4, "POWER LED -"))
GROUND_PIN = 14
"""Any ground of the Pi's header will do; this one is beside the others."""
PC_PINS = {1: "HDD +", 2: "LED +", 3: "HDD -", 4: "LED -", 5: "RST -", 6: "PWR +", 7: "RST +", 8: "PWR -", 9: ""}
"""The usual front-panel header; pin 10 is missing, so that a plug fits one way only."""

WIDTH, HEIGHT = 1000, 580
RED, BLUE, BLACK, GREY = "#b3261e", "#1a5fb4", "#222222", "#8a8a8a"
PI_X, PI_RIGHT = 20, 250
BOX_X, BOX_RIGHT = 440, 600
PC_X, PC_RIGHT = 770, 980
GROUND_X = 290
FIRST_Y, STEP_Y, PAIR_Y = 120, 105, 44
"""Of the upper wire of the first coupler, from coupler to coupler, from its upper wire to its lower."""


def picture(profile: Profile) -> str:
    """The whole SVG."""
    rows = [(coupler, FIRST_Y + STEP_Y * number) for number, coupler in enumerate((*OUTPUTS, SENSE))]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="13">',
        "<title>Wires between a Raspberry Pi, three optocouplers and the front-panel header of a PC</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(PI_X, 28, "Raspberry Pi, 40-pin header", weight="bold"),
        _text(BOX_X - 20, 28, "three optocouplers (PC817)", weight="bold"),
        _text(PC_X, 28, "PC, front-panel header", weight="bold"),
        _box(PI_X, 44, PI_RIGHT - PI_X, 375, "#e8f0e4", "#4a6b3a"),
        _box(PC_X, 44, PC_RIGHT - PC_X, 375, "#eeeeee", "#666666"),
        *_ground([y for _, y in rows]),
    ]
    for coupler, y in rows:
        parts += _coupler(profile, coupler, y)
    parts += _pi_header(profile)
    parts += _pc_header()
    parts.append(_text(PI_X, 542, "The case's own buttons and LED stay plugged in: wire beside them (Y cables)."))
    parts.append(_text(PI_X, 564, "Never wire a GPIO to the PC directly. Red presses, blue only looks."))
    return "\n".join((*parts, "</svg>", ""))


def _coupler(profile: Profile, coupler: Coupler, y: int) -> Iterator[str]:
    """Its box, its two wires to either side, its resistors."""
    low, output = y + PAIR_Y, coupler is not SENSE
    colour = RED if output else BLUE
    pin = header_pin(profile, profile.lines[coupler.line])
    if pin is None:
        raise ValueError(f"profile {PROFILE}: line {coupler.line} is not on the header")
    yield _text(PI_X + 8, y - 8, coupler.line)
    yield _text(PI_X + 8, y + 10, f"pin {pin.pin} (GPIO {pin.gpio})", weight="bold")
    yield _wire(PI_RIGHT, y, BOX_X, y, colour)
    yield _wire(BOX_RIGHT, y, PC_X, y, colour)
    yield _wire(BOX_RIGHT, low, PC_X, low, BLACK)
    if output:
        yield from _resistor(310, y, "470 R")
        yield from _upright_resistor(395, y, low, "10 k")
    else:
        yield from _resistor(650, y, "330 R")
    inner = ("LED +", "LED -", "collector", "emitter") if output else ("collector", "emitter", "LED +", "LED -")
    yield _box(BOX_X, y - 18, BOX_RIGHT - BOX_X, PAIR_Y + 36, "#fff8e1", colour)
    for label, x, at, anchor in zip(inner, (BOX_X + 8,) * 2 + (BOX_RIGHT - 8,) * 2, (y, low) * 2, "ssee", strict=True):
        yield _text(x, at + 4, label, anchor="start" if anchor == "s" else "end")
    for (number, name), at in ((coupler.plus, y), (coupler.minus, low)):
        yield _text(PC_X + 10, at + 4, f"pin {number}: {name}", weight="bold")


def _ground(tops: list[int]) -> Iterator[str]:
    """One wire that the lower left of every coupler hangs on."""
    bottom = tops[-1] + PAIR_Y + 34
    yield _text(PI_X + 8, bottom + 4, f"pin {GROUND_PIN} (ground)", weight="bold")
    yield _wire(PI_RIGHT, bottom, GROUND_X, bottom, BLACK)
    yield _wire(GROUND_X, bottom, GROUND_X, tops[0] + PAIR_Y, BLACK)
    for y in tops:
        yield _wire(GROUND_X, y + PAIR_Y, BOX_X, y + PAIR_Y, BLACK)
        yield _dot(GROUND_X, y + PAIR_Y)


def _pi_header(profile: Profile) -> Iterator[str]:
    """Where the pins are, with the corner of the board above pin 1."""
    used = {GROUND_PIN: BLACK}
    for coupler in (*OUTPUTS, SENSE):
        pin = header_pin(profile, profile.lines[coupler.line])
        if pin is not None:
            used[pin.pin] = BLUE if coupler is SENSE else RED
    yield _text(PI_X, 450, "Pin 1 is nearest to the corner; the odd pins are the inner row.")
    for pin in range(1, 41):
        x, y = PI_X + 14 + 19 * ((pin - 1) // 2), 478 + 24 * ((pin - 1) % 2)
        yield _pad(x, y, str(pin), used.get(pin, "#ffffff"))


def _pc_header() -> Iterator[str]:
    """Seen from above, the missing pin at the lower right."""
    for pin, name in PC_PINS.items():
        x, y = PC_X + 14 + 40 * ((pin - 1) // 2), 478 + 24 * ((pin - 1) % 2)
        switch = name.startswith(("PWR", "RST"))
        colour = RED if switch else BLUE if name.startswith("LED") else "#ffffff"
        yield _pad(x, y, str(pin), colour)
    yield _text(PC_X, 450, "Pin 10 is missing.")
    yield _text(PC_X, 542, "Not yours? See its manual.")


def _resistor(x: int, y: int, label: str) -> Iterator[str]:
    yield _box(x, y - 9, 58, 18, "#ffffff", BLACK)
    yield _text(x + 29, y + 4, label, anchor="middle")


def _upright_resistor(x: int, top: int, bottom: int, label: str) -> Iterator[str]:
    yield _wire(x, top, x, bottom, BLACK)
    yield _box(x - 20, top + 13, 40, 18, "#ffffff", BLACK)
    yield _text(x, top + 26, label, anchor="middle")
    yield _dot(x, top)
    yield _dot(x, bottom)


def _pad(x: int, y: int, label: str, fill: str) -> str:
    ink = "#ffffff" if fill != "#ffffff" else GREY
    return (
        f'<circle cx="{x}" cy="{y}" r="9" fill="{fill}" stroke="{GREY}"/>'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-size="10" fill="{ink}">{label}</text>'
    )


def _dot(x: int, y: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="3" fill="{BLACK}"/>'


def _wire(x1: int, y1: int, x2: int, y2: int, colour: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="2"/>'


def _box(x: int, y: int, width: int, height: int, fill: str, stroke: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="{fill}" stroke="{stroke}"/>'


def _text(x: int, y: int, text: str, weight: str = "normal", anchor: str = "start") -> str:
    place = f'x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="#111111">{escape(text)}</text>'


def main() -> int:
    content = picture(load_profile(shipped_profiles()[PROFILE]))
    if PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == content:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{PICTURE}: is old; run tools/wiring_picture.py")
        return 1
    PICTURE.write_text(content, encoding="utf-8")
    print(f"{PICTURE}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
