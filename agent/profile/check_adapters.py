# SPDX-License-Identifier: Apache-2.0
"""What a schema cannot say about adapters: their options, which their kind describes, and who does what for a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.hardware.adapters import gpio, registry
from agent.hardware.adapters.interface import Ability
from agent.profile.adapter_tables import GPIO
from agent.profile.decode import convert
from agent.profile.problem import KeyPath, Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.hardware.adapters.interface import AdapterKind, AdapterOptions
    from agent.profile.adapter_tables import AdapterTable, ControlsTable
    from agent.profile.schema import HostTable, Profile

PAGE = "docs/adapters.md"

PRESSES = (Ability.ON, Ability.OFF, Ability.SOFT_OFF)
"""What `gpio` does with the power button."""


def check_adapters(profile: Profile, *, complete: bool = False) -> Iterator[Problem]:
    """Every problem of adapters and controls. Keys may be missing until the site file is there: `complete`."""
    abilities: dict[str, frozenset[Ability] | None] = {}
    for name, table in profile.adapters.items():
        found = list(_adapter(profile, name, table, complete))
        yield from found
        abilities[name] = None if found else _abilities(table)
    yield from _owners(profile)
    yield from _shared(profile)
    for number, host in enumerate(profile.hosts):
        yield from _controls(("hosts", number), host, abilities)
    for number, domain in enumerate(profile.domains):
        if domain.adapter:
            yield from _domain(("domains", number, "adapter"), domain.adapter, abilities)


def adapter_options(table: AdapterTable) -> tuple[AdapterKind | None, AdapterOptions | None, str]:
    """Kind and options of a table, or why they cannot be had: a kind that is broken, options that are wrong."""
    found = registry.find(str(table.get("kind", "")))
    if found is None:
        return None, None, _unknown_kind(table)
    if found.kind is None:
        return None, None, found.error
    options, problems = convert(_without_kind(table), found.kind.options)
    if options is None:
        return found.kind, None, "; ".join(f"{'.'.join(map(str, p.path))}: {p.text}" for p in problems)
    return found.kind, options, ""


def _adapter(profile: Profile, name: str, table: AdapterTable, complete: bool) -> Iterator[Problem]:
    path: KeyPath = ("adapters", name)
    if name == GPIO:
        yield Problem(path, "'gpio' stands for a host's own lines: give the adapter another name")
    if "kind" not in table:
        if complete:
            yield Problem(path, "the key 'kind' is missing")
        return
    found = registry.find(str(table["kind"]))
    if found is None:
        yield Problem((*path, "kind"), _unknown_kind(table))
        return
    if found.kind is None:
        return  # told at start: one broken package must not keep the other hosts from their agent
    options, problems = convert(_without_kind(table), found.kind.options, PAGE, complete=complete)
    for problem in problems:
        yield Problem((*path, *problem.path), problem.text)
    if options is not None:
        for key, text in found.kind.faults(options, profile):
            yield Problem((*path, key) if key else path, text)


def _owners(profile: Profile) -> Iterator[Problem]:
    """A line that two drive obeys neither."""
    owners: dict[str, KeyPath] = {}
    for number, host in enumerate(profile.hosts):
        for key in ("power_button", "reset_button", "nmi_button", "identify_led"):
            owners[getattr(host, key)] = ("hosts", number, key)
    for number, domain in enumerate(profile.domains):
        for line in domain.controls:
            owners[line] = ("domains", number, "controls")
    for name, table in profile.adapters.items():
        found = registry.find(str(table.get("kind", "")))
        for key in found.kind.drives if found and found.kind else ():
            line = str(table.get(key, ""))
            owner = owners.setdefault(line, ("adapters", name))
            if line and owner != ("adapters", name):
                yield Problem(("adapters", name, key), f"the line {line!r} already has an owner ({dotted(owner)})")


def _shared(profile: Profile) -> Iterator[Problem]:
    """Who switches one host switches no other: off for the one would cut the other."""
    owners: dict[str, KeyPath] = {}
    switched: list[tuple[KeyPath, str, KeyPath]] = []
    for number, host in enumerate(profile.hosts):
        for key in ("on", "off"):
            name = getattr(host.controls, key, "")
            switched.append((("hosts", number), name, ("hosts", number, "controls", key)))
    for number, domain in enumerate(profile.domains):
        switched.append((("domains", number), domain.adapter, ("domains", number, "adapter")))
    for owner, name, path in switched:
        first = owners.setdefault(name, owner)
        if name not in ("", GPIO) and first != owner:
            cure = "make it a chassis domain that its hosts need"
            yield Problem(path, f"adapter {name!r} switches {dotted(first)} already; {cure}")


def _abilities(table: AdapterTable) -> frozenset[Ability] | None:
    """None while they cannot be told."""
    kind, options, _ = adapter_options(table)
    return None if kind is None or options is None else kind.abilities(options)


def _controls(path: KeyPath, host: HostTable, abilities: dict[str, frozenset[Ability] | None]) -> Iterator[Problem]:
    controls = host.controls
    if controls is None:
        if not host.power_good:
            yield Problem(path, "the key 'power_good' is missing (or [hosts.controls], for adapters other than lines)")
        return
    here = (*path, "controls")
    for ability in Ability:
        name = getattr(controls, ability.value)
        if name == GPIO:
            yield from _gpio(path, ability, host, controls)
        elif name and name not in abilities:
            known = ", ".join((GPIO, *abilities))
            yield Problem((*here, ability.value), f"names no table of [adapters] (here: {name!r}; there are: {known})")
        elif name:
            yield from _ability((*here, ability.value), ability, name, abilities[name])
    if not controls.sense:
        yield Problem((*here, "sense"), "must name who tells whether the host has power")
    if host.power_good and controls.sense != GPIO:
        yield Problem((*path, "power_good"), 'would not be looked at: write sense = "gpio", or leave it out')


def _ability(path: KeyPath, ability: Ability, name: str, can: frozenset[Ability] | None) -> Iterator[Problem]:
    if can is not None and ability not in can:
        listed = ", ".join(sorted(one.value for one in can)) or "nothing"
        yield Problem(path, f"adapter {name!r} cannot do {ability.value!r} (it can: {listed})")


def _domain(path: KeyPath, name: str, abilities: dict[str, frozenset[Ability] | None]) -> Iterator[Problem]:
    if name not in abilities:
        known = ", ".join(abilities) or "none"
        yield Problem(path, f"names no table of [adapters] (here: {name!r}; there are: {known})")
        return
    for ability in (Ability.ON, Ability.OFF, Ability.SENSE):
        yield from _ability(path, ability, name, abilities[name])


def _gpio(path: KeyPath, ability: Ability, host: HostTable, controls: ControlsTable) -> Iterator[Problem]:
    where = (*path, "controls", ability.value)
    if ability in PRESSES and controls.sense != GPIO:
        why = "the power button is pressed only where power_good is looked at in that instant"
        yield Problem(where, f'"gpio" needs sense = "gpio": {why}')
    elif ability not in gpio.abilities(gpio.host_options(host)):
        key = {Ability.SENSE: "power_good", Ability.RESET: "reset_button", Ability.NMI: "nmi_button"}
        yield Problem(where, f'"gpio" needs the line {key.get(ability, "power_button")} of this host')


def _unknown_kind(table: AdapterTable) -> str:
    known = ", ".join(registry.names())
    return f"no such kind is installed (here: {table.get('kind')!r}; there are: {known}): install its package"


def _without_kind(table: AdapterTable) -> AdapterTable:
    return {key: value for key, value in table.items() if key != "kind"}
