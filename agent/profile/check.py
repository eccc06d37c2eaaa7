# SPDX-License-Identifier: Apache-2.0
"""What a schema cannot say about a profile: references, classes, owners of lines, addresses on a bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.check_adapters import check_adapters
from agent.profile.check_domains import check_domains
from agent.profile.check_lines import check_lines
from agent.profile.check_rules import check_rules
from agent.profile.check_thermal import check_thermal
from agent.profile.problem import KeyPath, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.profile.schema import HostTable, LineTable, Profile

MOMENTARY_KEYS = ("power_button", "reset_button", "nmi_button")
PANEL_KEYS = ("front_power_button", "front_reset_button")


def check(profile: Profile) -> list[Problem]:
    """Every problem of a profile whose schema is right."""
    return [
        *check_lines(profile),
        *_hosts(profile),
        *_supplies(profile),
        *_buses(profile),
        *_chips(profile),
        *_unique("interlocks", (rule.name for rule in profile.interlocks)),
        *_unique("sequences", (sequence.name for sequence in profile.sequences)),
        *_unique("watches", (watch.name for watch in profile.watches)),
        *check_rules(profile),
        *check_thermal(profile),
        *_mains(profile),
        *check_adapters(profile),
        *check_domains(profile),
    ]


def _mains(profile: Profile) -> Iterator[Problem]:
    name = profile.mains.line
    if name and name not in profile.lines:
        yield Problem(("mains", "line"), f"names no table of [lines] (here: {name!r})")
    elif name and profile.lines[name].direction != "input":
        yield Problem(("mains", "line"), "must be an input")


def _hosts(profile: Profile) -> Iterator[Problem]:
    yield from _unique("hosts", (host.name for host in profile.hosts))
    owners: dict[str, KeyPath] = {}
    for number, host in enumerate(profile.hosts):
        for key in ("power_good", *MOMENTARY_KEYS, "identify_led", *PANEL_KEYS):
            line_name = getattr(host, key)
            path: KeyPath = ("hosts", number, key)
            if not line_name:
                continue
            line = profile.lines.get(line_name)
            if line is None:
                yield Problem(path, f"names no table of [lines] (here: {line_name!r})")
                continue
            if line_name in owners:
                yield Problem(path, f"the line {line_name!r} already has an owner")
            owners[line_name] = path
            yield from _role(path, key, line)
        yield from _console(profile, ("hosts", number, "console"), host)
        hold_line = profile.lines.get(host.power_button)
        if hold_line and hold_line.max_press_ms is not None and hold_line.max_press_ms < host.timing.force_off_ms:
            yield Problem(
                ("hosts", number, "timing", "force_off_ms"),
                f"{host.timing.force_off_ms} ms is longer than max_press_ms of line {host.power_button!r}"
                f" ({hold_line.max_press_ms} ms)",
            )


def _console(profile: Profile, path: KeyPath, host: HostTable) -> Iterator[Problem]:
    console = host.console
    if console is None:
        return
    if (console.kind == "serial") != bool(console.device):
        yield Problem((*path, "device"), 'the path of the device, for kind = "serial" and for no other')
    if (console.kind == "command") != bool(console.command):
        yield Problem((*path, "command"), 'the command and its arguments, for kind = "command" and for no other')
    if console.kind == "simulated" and not profile.board.simulated:
        yield Problem((*path, "kind"), "a real board has no simulated console")


def _role(path: KeyPath, key: str, line: LineTable) -> Iterator[Problem]:
    if key in ("power_good", *PANEL_KEYS) and line.direction != "input":
        yield Problem(path, "must be an input line")
    if key in MOMENTARY_KEYS and (line.direction, line.class_) != ("output", "momentary"):
        yield Problem(path, 'must be an output line with class = "momentary"')
    if key == "identify_led" and (line.direction, line.class_) != ("output", "maintained"):
        yield Problem(path, 'must be an output line with class = "maintained"')


def _supplies(profile: Profile) -> Iterator[Problem]:
    yield from _unique("supplies", (supply.name for supply in profile.supplies))
    for number, supply in enumerate(profile.supplies):
        path: KeyPath = ("supplies", number)
        if supply.bus not in profile.buses:
            yield Problem((*path, "bus"), f"names no table of [buses] (here: {supply.bus!r})")
        if supply.cold_redundancy and not (supply.mfr_id and supply.mfr_model) and not supply.model_stated:
            yield Problem(
                (*path, "cold_redundancy"),
                "needs mfr_id and mfr_model (what the supply must answer), or model_stated (your word for it)",
            )
        line = profile.lines.get(supply.presence_line)
        if supply.presence_line and (line is None or line.direction != "input"):
            yield Problem((*path, "presence_line"), "must be an input line of [lines]")
    if (profile.redundancy.expected_supplies or 0) > len(profile.supplies):
        yield Problem(("redundancy", "expected_supplies"), "is more than there are tables of [[supplies]]")
    if len(profile.supplies) > 8:
        yield Problem(("supplies",), "at most 8 supplies")


def _buses(profile: Profile) -> Iterator[Problem]:
    for name, bus in profile.buses.items():
        if not profile.board.simulated and bus.number is None:
            yield Problem(("buses", name), "the key 'number' is missing (N of /dev/i2c-N)")
    seen: dict[tuple[str, int], str] = {}
    devices: list[tuple[KeyPath, str, int]] = [
        *((("supplies", i, "address"), supply.bus, supply.address) for i, supply in enumerate(profile.supplies)),
        *(
            (("supplies", i, "eeprom"), supply.bus, supply.eeprom)
            for i, supply in enumerate(profile.supplies)
            if supply.eeprom is not None
        ),
        *(
            (("sensors", i, "address"), sensor.bus, sensor.address)
            for i, sensor in enumerate(profile.sensors)
            if sensor.address is not None
        ),
    ]
    for path, bus_name, address in devices:
        if (bus_name, address) in seen:
            yield Problem(path, f"address {address:#04x} on bus {bus_name!r} is taken already")
        seen[(bus_name, address)] = bus_name


def _chips(profile: Profile) -> Iterator[Problem]:
    for name, chip in profile.chips.items():
        if bool(chip.device) == bool(chip.label):
            yield Problem(("chips", name), "needs either 'device' (/dev/gpiochipN) or 'label'")


def _unique(table: str, names: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield Problem((table, number, "name"), f"{name!r} is used twice")
        seen.add(name)
