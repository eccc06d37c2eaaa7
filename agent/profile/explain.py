# SPDX-License-Identifier: Apache-2.0
"""A profile in words: what its lines do, how hosts are switched, what is missing, what to look at twice. Pure."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from agent.profile.explain_adapters import explain_adapters
from agent.profile.explain_emergency import explain_emergency
from agent.profile.explain_hosts import explain_host
from agent.profile.explain_rules import explain_domains, explain_interlock, explain_sequence, explain_watch
from agent.profile.explain_thermal import explain_fan, explain_sensor, explain_zone, missing_cooling
from agent.profile.header_pins import Pull, header_pin
from agent.profile.place import place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from agent.profile.schema import HostTable, LineTable, Profile, SupplyTable

DEBOUNCE_MS = 20.0
SENSES = {
    "pwr_ok": "PWR_OK of the supply",
    "rail": "a rail's voltage",
    "led": "a power LED, whose blinking means that the host sleeps",
    None: "a level",
}


def explain(profile: Profile, at_once: Collection[str]) -> Iterator[str]:
    """Lines of text for a person; a heading is followed by indented lines.

    `at_once`: hosts and domains that an emergency off switches by one order (agent.board.emergency_rules).
    """
    yield from _section("Lines", (_line(profile, name, line) for name, line in profile.lines.items()))
    for host in profile.hosts:
        yield from _section(f"Host {host.name}", explain_host(profile, host))
    yield from _section("Adapters", explain_adapters(profile))
    yield from _section("Domains, in the order in which they start", explain_domains(profile))
    yield from _section("Emergency off", explain_emergency(profile, at_once))
    yield from _section("What the line engine does by itself", (explain_interlock(rule) for rule in profile.interlocks))
    yield from _section("Rail sequences", (explain_sequence(sequence) for sequence in profile.sequences))
    yield from _section("Watches", (explain_watch(watch) for watch in profile.watches))
    yield from _section("Supplies", _supplies(profile))
    yield from _section("Sensors", map(explain_sensor, profile.sensors))
    yield from _section("Thermal zones", chain.from_iterable(map(explain_zone, profile.zones)))
    yield from _section("Fans", map(explain_fan, profile.fans))
    yield from _section("What is missing, and what that means", _missing(profile))
    yield from _section("Look at these twice", warnings(profile))


def _section(heading: str, lines: Iterator[str]) -> Iterator[str]:
    """Nothing at all where there are no lines."""
    for number, line in enumerate(lines):
        if number == 0:
            yield ""
            yield heading
        yield f"  {line}"


# ---------------------------------------------------------------------- lines


def _line(profile: Profile, name: str, line: LineTable) -> str:
    what = _output(line) if line.direction == "output" else _input(line)
    where = place(profile, line)
    return f"{name}: {where}{': ' if where else ''}{what}"


def _output(line: LineTable) -> str:
    level = "low" if line.active_low else "high"
    if line.class_ == "momentary":
        return (
            f"a button; pressed = {level}, at most {_seconds(line.max_press_ms or 0)};"
            " idle when the agent starts, stops or dies"
        )
    return f"stays as it is set, on = {level}; keeps its level when the agent starts, stops or dies"


def _input(line: LineTable) -> str:
    rise_ms = DEBOUNCE_MS if line.rise_ms is None else line.rise_ms
    fall_ms = DEBOUNCE_MS if line.fall_ms is None else line.fall_ms
    level = "low" if line.active_low else "high"
    told = f"watches {SENSES[line.source]}; active = {level}, believed after {rise_ms:g} ms on or {fall_ms:g} ms off"
    if line.source == "led":
        dark_ms = 1.5 * (5000.0 if line.blink_max_ms is None else line.blink_max_ms)
        told += f"; off is believed after {_seconds(dark_ms)} of darkness, until a blink was seen"
    if line.poll_us is not None:
        told += f"; read every {line.poll_us / 1000:g} ms, for it reports no edges"
    return told


def _seconds(span_ms: float) -> str:
    return f"{span_ms / 1000:g} s"


# ---------------------------------------------------------------------- supplies and sensors


def _supplies(profile: Profile) -> Iterator[str]:
    for supply in profile.supplies:
        yield f"{supply.name}: {supply.rated_w:g} W at {supply.address:#04x} on bus {supply.bus}; {_role(supply)}"
    if any(supply.cold_redundancy for supply in profile.supplies):
        enabled = "on" if profile.redundancy.enabled else "off until somebody switches it on"
        yield f"cold redundancy is {enabled}: supplies that are not needed rest"


def _role(supply: SupplyTable) -> str:
    if not supply.cold_redundancy:
        return "it is read, and no register of it is written"
    model = f"{supply.mfr_id} {supply.mfr_model}".strip() or supply.model_stated
    return f"it may be told to rest (register D0h), if it is a {model}"


# ---------------------------------------------------------------------- what to know


def _missing(profile: Profile) -> Iterator[str]:
    if not profile.hosts:
        yield "no [[hosts]]: this board switches nothing and answers no IPMI client"
    for host in profile.hosts:
        if host.controls is None:
            yield from _missing_buttons(host)
        if host.console is None:
            yield f"host {host.name} has no console: 'ipmitool sol activate' is refused"
    if not profile.supplies and not profile.mains.line:
        yield "no [[supplies]] and no mains.line: a loss of mains cannot be told from any other loss of power"
    if not profile.supplies:
        yield "no [[supplies]]: no power readings, and a start is not checked against what supplies can give"
    yield from missing_cooling(profile)


def _missing_buttons(host: HostTable) -> Iterator[str]:
    """For hosts that have nothing but their lines."""
    if not host.power_button:
        yield f"host {host.name} has no power_button: on, off and cycle are refused"
    if not host.reset_button:
        yield f"host {host.name} has no reset_button: reset is refused; a cycle does more, and takes longer"
    if not host.nmi_button:
        yield f"host {host.name} has no nmi_button: a diagnostic interrupt is refused"


def warnings(profile: Profile) -> Iterator[str]:
    """What a schema allows and a wire may punish (safety rule 17)."""
    for name, line in profile.lines.items():
        pin = header_pin(profile, line)
        if pin is None:
            continue
        if line.direction == "output" and pin.why_no_output:
            yield f"{name}: {pin.signal} (header pin {pin.pin}) should not be an output: {pin.why_no_output}"
        if line.class_ == "momentary" and line.active_low:
            yield (
                f"{name}: active-low, so the resting level of {pin.signal} from reset on"
                f" ({pin.pull.value}) decides whether the button is pressed while the board boots;"
                " use an optocoupler that is driven high"
            )
        if line.class_ == "maintained" and not line.active_low and _carries(profile, name) and pin.pull is Pull.DOWN:
            yield (
                f"{name}: it feeds hosts and is off while the board boots or has no power;"
                " a relay that rests closed, with active_low = true, keeps them on"
            )
    for host in profile.hosts:
        good = profile.lines.get(host.power_good)
        if good is not None and good.source is None and not profile.board.simulated:
            yield f"{host.power_good}: no 'source': say whether it is PWR_OK, a rail or a LED, which may blink"


def _carries(profile: Profile, name: str) -> bool:
    return any(name in domain.controls for domain in profile.domains)
