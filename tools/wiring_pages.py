#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures and pin tables of docs/wiring/ from the shipped profiles; `--check` only says what is old.

A page keeps its words; what stands between `<!-- pins -->` and `<!-- /pins -->` is written anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from agent.profile.header_pins import PINS, HeaderPin, header_pin
from agent.profile.load import load_profile, shipped_profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.schema import LineTable, Profile

PAGES = Path(__file__).resolve().parent.parent / "docs/wiring"
BEGIN, END = "<!-- pins -->", "<!-- /pins -->"


@dataclass(frozen=True, slots=True)
class Circuit:
    """What stands between a header pin and the machine, and what the machine feels while the agent does not run."""

    through: str
    at_rest: str
    colour: str


BUTTON = Circuit("470 R, 10 k to ground, optocoupler", "not pressed", "#b3261e")
LAMP = Circuit("470 R, LED", "dark", "#b3261e")
RELAY = Circuit("1 k, 10 k to ground, transistor, relay that rests closed", "rail stays on", "#b3261e")
LED_SENSE = Circuit("optocoupler, 330 R", "only looks", "#1a5fb4")
PWR_OK = Circuit("buffer 74LVC1G17 at 3.3 V", "only looks", "#1a5fb4")
RAIL_SENSE = Circuit("divider to 3 V, buffer 74LVC1G17 at 3.3 V", "only looks", "#1a5fb4")
BUS = Circuit("a wire, 3.3 V levels", "bus rests", "#6a3d9a")
SENSES = {"led": LED_SENSE, "pwr_ok": PWR_OK, "rail": RAIL_SENSE, None: PWR_OK}


@dataclass(frozen=True, slots=True)
class Wire:
    """One row of the picture and of the table."""

    pin: HeaderPin
    line: str
    circuit: Circuit
    to: str


def wires(profile: Profile) -> list[Wire]:
    """Every wire of a Raspberry Pi's profile, in the order of its lines; then the I2C bus."""
    places, controls = dict(_places(profile)), {name for domain in profile.domains for name in domain.controls}
    found = [
        Wire(pin, name, _circuit(line, name in controls), places.get(name, name))
        for name, line in profile.lines.items()
        if (pin := header_pin(profile, line)) is not None
    ]
    if profile.buses and not profile.board.simulated:
        found += [
            Wire(PINS[gpio], "I2C 1", BUS, f"{signal} of supplies and sensors")
            for gpio, signal in ((2, "SDA"), (3, "SCL"))
        ]
    return found


def _circuit(line: LineTable, control: bool) -> Circuit:
    if line.direction == "input":
        return SENSES[line.source]
    if line.class_ == "momentary":
        return BUTTON
    return RELAY if control else LAMP


def _places(profile: Profile) -> Iterator[tuple[str, str]]:
    """What a line is wired to, in the words that are printed on machines."""
    for host in profile.hosts:
        machine = f"machine {host.name}: "
        led = profile.lines[host.power_good].source == "led"
        yield host.power_good, machine + ("POWER LED" if led else "PWR_OK")
        yield host.power_button, machine + "POWER SW"
        yield host.reset_button, machine + "RESET SW"
        yield host.nmi_button, machine + "NMI"
        yield host.identify_led, machine + "a LED beside it"
    for domain in profile.domains:
        for name in domain.controls:
            yield name, f"relay of the {domain.name} rail"
        for name in domain.power_good:
            yield name, f"output of the {domain.name} rail"


# ---------------------------------------------------------------------- the table


def table(profile: Profile) -> str:
    """Markdown: one row per wire."""
    off = "Pi off" if board(profile) == "Raspberry Pi" else "board off"
    rows = [
        f"| GPIO | pin | line | through | to | reset pull | {off} | booting, rebooting | the machine then |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for wire in wires(profile):
        pin = wire.pin
        rows.append(
            f"| {pin.gpio} | {pin.pin} | {wire.line} | {wire.circuit.through} | {wire.to} | {pin.pull.value}"
            f" | clamp | {pin.booting} | {wire.circuit.at_rest} |"
        )
    return "\n".join(rows)


def buses(profile: Profile) -> str:
    """Markdown: who answers where on the I2C buses."""
    rows = ["| bus | address | what |", "|---|---|---|"]
    for supply in profile.supplies:
        rows.append(f"| {supply.bus} | {supply.address:#04x} | supply {supply.name}, {supply.rated_w:g} W |")
        if supply.eeprom is not None:
            rows.append(f"| {supply.bus} | {supply.eeprom:#04x} | inventory memory beside supply {supply.name} |")
    for sensor in profile.sensors:
        if sensor.address is not None:
            rows.append(f"| {sensor.bus} | {sensor.address:#04x} | sensor {sensor.name} |")
    return "\n".join(rows)


# ---------------------------------------------------------------------- the picture

ROW, TOP, WIDTH = 30, 56, 980
BOARD_X, BOARD_WIDTH = 10, 240
CIRCUIT_X, CIRCUIT_WIDTH = 270, 390
MACHINE_X, MACHINE_WIDTH = 680, 290


def picture(profile: Profile) -> str:
    """SVG: the board's pins on the left, what stands between, the machines on the right."""
    drawn = wires(profile)
    height = TOP + ROW * len(drawn) + 16
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
            ' font-size="13">',
            f"<title>{escape(profile.description)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            _text(BOARD_X + 8, 24, f"{board(profile)}, 40-pin header", weight="bold"),
            _text(CIRCUIT_X + 8, 24, "between them", weight="bold"),
            _text(MACHINE_X + 8, 24, "machine", weight="bold"),
            _box(BOARD_X, 36, BOARD_WIDTH, height - 46, "#e8f0e4", "#4a6b3a"),
            _box(MACHINE_X, 36, MACHINE_WIDTH, height - 46, "#eeeeee", "#666666"),
            *(part for number, wire in enumerate(drawn) for part in _row(wire, TOP + ROW * number)),
            "</svg>",
            "",
        )
    )


def _row(wire: Wire, y: int) -> Iterator[str]:
    colour = wire.circuit.colour
    yield _text(BOARD_X + 8, y + 4, f"pin {wire.pin.pin}, {_signal(wire.pin)}: {wire.line}")
    yield f'<line x1="{BOARD_X + BOARD_WIDTH}" y1="{y}" x2="{MACHINE_X}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
    yield _box(CIRCUIT_X, y - 11, CIRCUIT_WIDTH, 22, "#ffffff", colour)
    yield _text(CIRCUIT_X + 8, y + 4, wire.circuit.through)
    yield _text(MACHINE_X + 8, y + 4, wire.to)


def _signal(pin: HeaderPin) -> str:
    return f"GPIO {pin.gpio}" if isinstance(pin.gpio, int) else pin.gpio


def board(profile: Profile) -> str:
    """What people call the board."""
    ours = [header_pin(profile, line) for line in profile.lines.values()]
    numbered = any(pin is not None and isinstance(pin.gpio, int) for pin in ours)
    return "Raspberry Pi" if numbered else profile.board.product


def _box(x: int, y: int, width: int, height: int, fill: str, stroke: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="{fill}" stroke="{stroke}"/>'


def _text(x: int, y: int, text: str, weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}" fill="#111111">{escape(text)}</text>'


# ---------------------------------------------------------------------- the pages


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file and its content. Raises ValueError for a page that lacks its marks."""
    for name, file in shipped_profiles().items():
        profile = load_profile(file)
        page = PAGES / f"{name}.md"
        generated = []
        if wires(profile):
            generated.append(f"![{profile.description}]({name}.svg)\n\n{table(profile)}")
            yield PAGES / f"{name}.svg", picture(profile)
        if profile.supplies or profile.sensors:
            generated.append(buses(profile))
        text = page.read_text(encoding="utf-8")
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            raise ValueError(f"{page}: needs the marks {BEGIN} and {END}")
        body = "\n\n".join(generated)
        yield page, f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"


def main() -> int:
    check, old = "--check" in sys.argv[1:], []
    for file, content in files():
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            old.append(file)
            if not check:
                file.write_text(content, encoding="utf-8")
    for file in old:
        print(f"{file}: {'is old; run tools/wiring_pages.py' if check else 'written'}")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
