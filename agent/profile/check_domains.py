# SPDX-License-Identifier: Apache-2.0
"""What a schema cannot say about domains: names, owners of lines, needs that lead in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.graph import find_cycle
from agent.profile.problem import KeyPath, Problem, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.domain_tables import DomainTable
    from agent.profile.schema import Profile

HOST_KEYS = (
    "power_good",
    "power_button",
    "reset_button",
    "nmi_button",
    "identify_led",
    "front_power_button",
    "front_reset_button",
)
OF_RAILS = ("controls", "power_good", "adapter", "power_good_ms", "emergency_off")


def check_domains(profile: Profile) -> Iterator[Problem]:
    """Every problem of the domains."""
    yield from _names(profile)
    yield from _owners(profile)
    for number, table in enumerate(profile.domains):
        yield from _lines(profile, ("domains", number), table)
    known = {host.name for host in profile.hosts} | {table.name for table in profile.domains}
    for number, table in enumerate(profile.domains):
        for index, need in enumerate(table.needs):
            if need not in known:
                names = ", ".join(sorted(known - {table.name})) or "none"
                yield Problem(("domains", number, "needs", index), f"there is no domain {need!r}; there are: {names}")
    cycle = find_cycle({table.name: table.needs for table in profile.domains})
    if cycle is not None:
        number = next(n for n, table in enumerate(profile.domains) if table.name == cycle[0])
        path = " -> ".join(cycle)
        yield Problem(
            ("domains", number, "needs"), f"leads back to itself: {path}; one of these must not need the next"
        )


def _names(profile: Profile) -> Iterator[Problem]:
    hosts, seen = {host.name for host in profile.hosts}, set[str]()
    for number, table in enumerate(profile.domains):
        path: KeyPath = ("domains", number, "name")
        if table.name in seen:
            yield Problem(path, f"{table.name!r} is used twice")
        seen.add(table.name)
        if table.type == "host" and table.name not in hosts:
            yield Problem(path, f"no host has this name; hosts are: {', '.join(sorted(hosts)) or 'none'}")
        if table.type != "host" and table.name in hosts:
            yield Problem(path, 'a host has this name: give another, or type = "host" to say what that host needs')


def _lines(profile: Profile, path: KeyPath, table: DomainTable) -> Iterator[Problem]:
    if table.type == "host":
        for key in OF_RAILS:
            if getattr(table, key):
                yield Problem((*path, key), "belongs to chassis and aux domains; a host has its own in [[hosts]]")
        return
    if bool(table.controls) == bool(table.adapter):
        yield Problem(path, "needs either 'controls' (maintained output lines) or 'adapter'")
    if table.adapter and table.power_good:
        yield Problem((*path, "power_good"), "the adapter tells whether it is on: drop this")
    for index, name in enumerate(table.controls):
        line = profile.lines.get(name)
        if line is None or (line.direction, line.class_) != ("output", "maintained"):
            yield Problem((*path, "controls", index), f'{name!r} must be an output line with class = "maintained"')
    for index, name in enumerate(table.power_good):
        line = profile.lines.get(name)
        if line is None or line.direction != "input":
            yield Problem((*path, "power_good", index), f"{name!r} must be an input line")
    if table.emergency_off and table.adapter:
        yield Problem((*path, "emergency_off"), "belongs to domains with control lines: the line engine lowers them")


def _owners(profile: Profile) -> Iterator[Problem]:
    """One line has one owner: two that drive it would fight."""
    owners: dict[str, str] = {}
    for number, host in enumerate(profile.hosts):
        for key in HOST_KEYS:
            if name := getattr(host, key):
                owners.setdefault(name, dotted(("hosts", number, key)))
    for number, sequence in enumerate(profile.sequences):
        for step in sequence.steps:
            owners.setdefault(step.line, dotted(("sequences", number)))
    for number, table in enumerate(profile.domains):
        for key, names in (("controls", table.controls), ("power_good", table.power_good)):
            for index, name in enumerate(names):
                path: KeyPath = ("domains", number, key, index)
                if name in owners:
                    yield Problem(path, f"the line {name!r} has an owner already: {owners[name]}")
                owners.setdefault(name, dotted(path))
