# SPDX-License-Identifier: Apache-2.0
"""How a host of a profile is switched, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.adapter_tables import GPIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.adapter_tables import ControlsTable
    from agent.profile.schema import HostTable, Profile


CONTROLS = (
    ("sense", "whether it is on"),
    ("on", "on"),
    ("soft_off", "soft off"),
    ("off", "force off"),
    ("reset", "reset"),
    ("nmi", "NMI"),
)
"""Keys of [hosts.controls], and what they are for."""

PANELS = {
    "watch": "it reaches the mainboard by itself, is told, and explains why the host went on or off",
    "pass": "it reaches this board only, which passes it on as a request (held for 4 s: force off) or masks it",
}
"""By front_panel."""


def explain_host(profile: Profile, host: HostTable) -> Iterator[str]:
    """One line per thing that can be asked of it."""
    if host.controls is not None:
        yield from _by_adapters(profile, host, host.controls)
        return
    timing, good = host.timing, host.power_good
    yield f"is on while {good} is active"
    if profile.lines[good].source == "led":
        yield f"sleeps while {good} blinks: then it may be woken or forced off, but a soft off is refused"
    if host.power_button:
        button = host.power_button
        yield (
            f"on: presses {button} for {timing.power_press_ms} ms, if {good} has been off for {timing.stable_ms} ms;"
            f" {good} must come within {timing.power_on_timeout_ms / 1000:g} s,"
            " else the host is in fault and is not pressed again by itself"
        )
        yield (
            f"soft off: presses {button} for {timing.power_press_ms} ms, and waits"
            f" {timing.soft_off_timeout_ms / 1000:g} s for the operating system; if it does not go off, it counts as on"
        )
        yield f"force off: holds {button} until {good} is off, at most {timing.force_off_ms / 1000:g} s"
        yield f"cycle: force off, {timing.cycle_off_ms / 1000:g} s of rest, on"
    if host.reset_button:
        yield (
            f"reset: presses {host.reset_button} for {timing.reset_press_ms} ms, if the host is on;"
            f" {good} must still be there {timing.reset_check_ms} ms later"
        )
    if host.nmi_button:
        yield f"NMI: presses {host.nmi_button} for {timing.nmi_press_ms} ms, if the host is on"
    yield from _beside(host)


def _by_adapters(profile: Profile, host: HostTable, controls: ControlsTable) -> Iterator[str]:
    """Who does what."""
    for key, what in CONTROLS:
        name = getattr(controls, key)
        if name == GPIO:
            yield f"{what}: by the lines of this host"
        elif name:
            yield f"{what}: by adapter {name} ({profile.adapters[name].get('kind', 'of the site file')})"
        else:
            yield f"{what}: refused, [hosts.controls] names nobody for it"
    yield from _beside(host)


def _beside(host: HostTable) -> Iterator[str]:
    """What no request switches."""
    if panel := [line for line in (host.front_power_button, host.front_reset_button) if line]:
        yield f"front panel: a person's press is seen on {' and '.join(panel)}; {PANELS[host.front_panel]}"
    if host.identify_led:
        yield f"identify: {host.identify_led} shows which machine it is"
    if host.console:
        yield f"console: {host.console.kind} {host.console.device}".rstrip()
