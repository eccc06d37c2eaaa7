# SPDX-License-Identifier: Apache-2.0
"""What the site file says of the fleet: `[fleet]` (keys: docs/fleet-nodes.md). Read only where the table is there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from agent.fleet.budget.tables import LeaseSeconds, Watts
from agent.fleet.budget.timing import DEFAULT_LEASE_S
from agent.fleet.budget.topics import TAKEN
from agent.fleet.node.documents import MOST_WOKEN
from agent.fleet.node.documents import Name as NodeName
from agent.profile.base import Name, Table
from agent.profile.decode import convert
from agent.profile.problem import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.profile.site import Site

PAGE = "docs/fleet-nodes.md"

Command = tuple[Annotated[str, msgspec.Meta(pattern=r"^[^\x00]+$", max_length=1000)], ...]
Reason = Annotated[str, msgspec.Meta(max_length=200)]


class FleetHostTable(Table, frozen=True):
    """A host of the board: it follows targets, or it is the machine of a node that sleeps and is woken from here."""

    node: NodeName | Literal[""] = ""
    """Its name in the fleet, if it follows targets."""
    wakes: NodeName | Literal[""] = ""
    """Instead of `node`: the node that runs on this host, and is switched on by this board to wake it."""
    pinned: Reason = ""
    """Why it must never be put to sleep; empty = it may."""
    users_command: Command = ()
    """A program that prints who uses the host, one per line; unless given, nobody is asked."""


class TimesTable(Table, frozen=True):
    """How long things take; the same for all machines of a segment."""

    awake_s: Annotated[float, msgspec.Meta(ge=5, le=86_400)] = 150.0
    """After its start a machine stays awake so long; four fifths of it, two minutes at most, others may rely on it."""
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 30.0
    """So long after its start it wakes nobody: after a mains loss the switches start, too."""
    takeover_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 15.0
    """The next one sends wake packets when nobody has said within this that it did."""
    boot_s: Annotated[float, msgspec.Meta(ge=5, le=3600)] = 180.0
    """A machine that was woken has so long to report; twice as long at each further attempt, at most ten times."""
    attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    """So often a machine is woken before people are told."""


class FleetTable(Table, frozen=True):
    """A machine's place among many: whether it sleeps when nobody needs it, and what it may draw."""

    segment: NodeName
    """The network in which a broadcast reaches everybody."""
    node: NodeName | Literal[""] = ""
    """This machine's name in the fleet; the board's id, unless given."""
    nodes: tuple[NodeName, ...] = ()
    """The others of the segment; unless given, whoever reports."""
    target: bool = False
    """With `[self]`: this machine follows targets, and shuts itself down for one."""
    pinned: Reason = ""
    users_command: Command = ()
    """A program that prints who uses this machine, one per line; unless given, the sessions of systemd-logind."""
    wake_card: Annotated[str, msgspec.Meta(pattern=r"^[^/\x00\s]{0,15}\Z")] = ""
    """The network card that a magic packet must wake; any, unless given."""
    broadcast: str = "255.255.255.255"
    """Where magic packets for others go: the segment's broadcast address."""
    secure_on_file: str = ""
    """A file of mode 0600 with the SecureOn password of the segment's cards, or `credential:NAME`."""
    hosts: dict[Name, FleetHostTable] = msgspec.field(default_factory=dict)
    """Hosts of this board that follow targets or are woken, by their names in the profile."""
    times: TimesTable = TimesTable()
    domain: Name | Literal[""] = ""
    """The power domain of the coordinator; the segment, unless given."""
    base_w: Watts | None = None
    """There = what this machine draws is leased. Without a lease it keeps so much."""
    peak_w: Watts | None = None
    """It never draws more."""
    lease_s: LeaseSeconds = DEFAULT_LEASE_S
    """How long a lease lasts; as in the coordinator's file."""

    @property
    def power_domain(self) -> str:
        return self.domain or self.segment


def fleet_table(tree: Mapping[str, Any], file: Path, source: str, site: Site, hosts: tuple[str, ...]) -> FleetTable:
    """The checked table; `hosts` are those of the profile. Raises ConfigError with every problem found."""
    table, problems = convert(dict(tree), FleetTable, PAGE)
    if table is not None:
        problems = list(_problems(table, site, hosts))
    if table is None or problems:
        raise ConfigError(file, [Problem(("fleet", *one.path), one.text) for one in problems], source)
    return table


def _problems(table: FleetTable, site: Site, hosts: tuple[str, ...]) -> Iterator[Problem]:
    for key, name in (("segment", table.segment), ("domain", table.domain)):
        if name in TAKEN:
            yield Problem((key,), f"{name} is a topic of the bus itself: choose another name")
    if not (table.target or table.hosts or table.base_w or table.peak_w):
        why = "names nothing to do: add target = true, [fleet.hosts.NAME], or base_w and peak_w"
        yield Problem((), why)
    yield from _of_hosts(table, hosts)
    yield from _of_itself(table, site, hosts)
    yield from _of_budget(table, site)
    if table.times.takeover_s >= table.times.boot_s:
        numbers = f"{table.times.takeover_s:g} and {table.times.boot_s:g}"
        yield Problem(("times", "takeover_s"), f"must be less than boot_s (here: {numbers}), else nobody takes over")
    try:
        ipaddress.IPv4Address(table.broadcast)
    except ValueError:
        yield Problem(("broadcast",), f"is no IPv4 address, such as 192.0.2.255 (here: {table.broadcast!r})")


def _of_hosts(table: FleetTable, hosts: tuple[str, ...]) -> Iterator[Problem]:
    owners: dict[str, str] = {table.node: "fleet.node"} if table.node else {}
    for name, host in table.hosts.items():
        if name not in hosts:
            known = ", ".join(hosts) or "none"
            yield Problem(("hosts", name), f"names no host (here: {name!r}; the profile has: {known})")
        if bool(host.node) == bool(host.wakes):
            yield Problem(("hosts", name), "give either node, its name, or wakes, the node that runs on it")
            continue
        key, node = ("node", host.node) if host.node else ("wakes", host.wakes)
        if node in owners:
            yield Problem(("hosts", name, key), f"{node!r} is {owners[node]} already: give another name")
        owners.setdefault(node, f"fleet.hosts.{name}.{key}")
        if host.wakes:
            yield from _of_woken(table, name, host)


def _of_woken(table: FleetTable, name: str, host: FleetHostTable) -> Iterator[Problem]:
    for key, given in (("pinned", host.pinned), ("users_command", host.users_command)):
        if given:
            why = f"{host.wakes!r} decides itself when it sleeps: give it in the site file of that machine"
            yield Problem(("hosts", name, key), why)
    if table.nodes and host.wakes not in table.nodes:
        yield Problem(("hosts", name, "wakes"), f"{host.wakes!r} is not in fleet.nodes: add it")
    if sum(bool(one.wakes) for one in table.hosts.values()) > MOST_WOKEN:
        yield Problem(("hosts", name, "wakes"), f"one board wakes {MOST_WOKEN} nodes at most")


def _of_itself(table: FleetTable, site: Site, hosts: tuple[str, ...]) -> Iterator[Problem]:
    if not table.target:
        return
    if site.self_ is None:
        why = "switches the computer that pgood runs on: add a table [self] if that is meant, else name fleet.hosts"
        yield Problem(("target",), why)
    elif len(hosts) != 1:
        why = f"needs a profile with one host, which is this computer's own operating system (it has {len(hosts)})"
        yield Problem(("target",), why)
    elif table.hosts:
        yield Problem(("hosts",), "with target = true the one host is this computer itself: take the table out")


def _of_budget(table: FleetTable, site: Site) -> Iterator[Problem]:
    if (table.base_w is None) != (table.peak_w is None):
        missing = "base_w" if table.base_w is None else "peak_w"
        yield Problem((missing,), "is missing: a budget needs both base_w and peak_w")
    elif table.base_w is not None and table.peak_w is not None:
        if table.base_w > table.peak_w:
            yield Problem(("base_w",), f"must not be larger than peak_w (here: {table.base_w:g} and {table.peak_w:g})")
        if site.energy is None:
            yield Problem(("base_w",), "needs something that keeps a cap: add a table [energy] with an actuator")
            return
        least_w = site.energy.get("min_w")  # checked by agent.energy.tables
        if isinstance(least_w, int | float) and least_w > table.base_w:
            numbers = f"{table.base_w:g} and {least_w:g}"
            yield Problem(("base_w",), f"must not be less than energy.min_w (here: {numbers}): no less is ever set")
