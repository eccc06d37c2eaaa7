# SPDX-License-Identifier: Apache-2.0
"""The file that a coordinator is started with: broker, domain, groups and nodes (keys: docs/fleet-budget.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.fleet.budget.sites.deferrable import Wish
from agent.fleet.budget.sites.site_tables import (
    DeferrableTable,
    Parent,
    ParentTable,
    deferrable_problems,
    parent_place,
    parent_problems,
)
from agent.fleet.budget.tables import BandTable, BudgetTable, GroupTable, LeaseSeconds, NodeTable
from agent.fleet.budget.timing import DEFAULT_LEASE_S, Timing
from agent.fleet.budget.topics import TAKEN
from agent.fleet.budget.tree import TreeError, build_tree
from agent.fleet.farm.tables import FarmTable, farm_file
from agent.fleet.node.documents import Name as NodeName
from agent.mqtt.config import mqtt_config
from agent.profile.base import Name, Table
from agent.profile.decode import decode, read_text
from agent.profile.problem import ConfigError, Problem
from agent.profile.site import SiteMqtt

if TYPE_CHECKING:
    from pathlib import Path

    from agent.fleet.budget.tree import BudgetTree
    from agent.fleet.farm.tables import FarmFile
    from agent.mqtt.config import MqttConfig

PAGE = "docs/fleet-budget.md"


class CoordinatorTable(Table, frozen=True):
    """A whole file."""

    domain: Name
    """Second level of the topics below `pgood/fleet`; the nodes use the same."""
    mqtt: SiteMqtt
    """As in a site file; what is about a board only is not used."""
    groups: dict[Name, GroupTable] = msgspec.field(default_factory=dict)
    nodes: dict[Name, NodeTable] = msgspec.field(default_factory=dict)
    bands: BandTable = msgspec.field(default_factory=BandTable)
    cycle_s: Annotated[float, msgspec.Meta(ge=1, le=60)] = 3.0
    """How often it decides."""
    lease_s: LeaseSeconds = DEFAULT_LEASE_S
    """How long a lease lasts; the nodes, and all coordinators of the domain, have the same."""
    parent: ParentTable | None = None
    deferrable: DeferrableTable | None = None
    reallocate: bool = False
    """Watts go where they do more work."""
    segments: tuple[NodeName, ...] = ()
    """Of the nodes that may sleep (docs/fleet-nodes.md); the domain, unless given."""
    farm: FarmTable | None = None
    """Machines that sleep while nobody needs them (docs/fleet-farm.md)."""


@dataclass(frozen=True, slots=True)
class BudgetFile:
    """What it says of a power budget."""

    tree: BudgetTree
    segments: tuple[str, ...]
    timing: Timing
    parent: Parent | None = None
    deferrable: Wish | None = None
    reallocate: bool = False


@dataclass(frozen=True, slots=True)
class CoordinatorFile:
    """Checked. There is a budget or a farm, or both."""

    domain: str
    mqtt: MqttConfig
    budget: BudgetFile | None
    farm: FarmFile | None


def load_coordinator(file: Path, name: str) -> CoordinatorFile:
    """`name` is this coordinator's, for the broker. Raises ConfigError with every problem found."""
    source = read_text(file)
    table, problems = decode(file, source, CoordinatorTable, PAGE)
    if table is None:
        raise ConfigError(file, problems, source)
    levels = [("parent", table.parent.domain)] if table.parent is not None else []
    for key, level in (("domain", table.domain), *levels, *(("segments", segment) for segment in table.segments)):
        if level in TAKEN:
            problems.append(Problem((key,), f"{level} is a topic of the bus itself: choose another name"))
    mqtt = _mqtt(table.mqtt, name, problems)
    farm = None if table.farm is None else farm_file(table.farm, TAKEN, problems)
    budget = None
    try:
        if table.groups:
            budget = _budget(table, name, problems)
        elif farm is None or table.nodes or table.parent or table.deferrable:
            problems.append(Problem(("groups",), "is missing: name what has a limit, as [groups.NAME], or a [farm]"))
    except TreeError as error:
        raise ConfigError(file, [*problems, *error.problems], source) from error
    if mqtt is None or problems:
        raise ConfigError(file, problems, source)
    return CoordinatorFile(table.domain, mqtt, budget, farm)


def _budget(table: CoordinatorTable, name: str, problems: list[Problem]) -> BudgetFile:
    """Raises TreeError."""
    timing = Timing(table.cycle_s, table.lease_s)
    if table.lease_s < timing.least_lease_s:
        text = f"must be {timing.least_lease_s:g} or more with a cycle of {table.cycle_s:g} s, here and in [fleet]"
        problems.append(Problem(("lease_s",), f"{text} of every node"))
    tree = build_tree(BudgetTable(groups=table.groups, nodes=table.nodes, bands=table.bands))
    parent = _parent(table, name, tree, timing, problems)
    wish = None
    if table.deferrable is not None:
        problems += deferrable_problems(table.deferrable, tree)
        wish = Wish(load_w=table.deferrable.load_w, costs=table.deferrable.costs)
    return BudgetFile(tree, table.segments, timing, parent, wish, table.reallocate)


def _parent(
    table: CoordinatorTable, name: str, tree: BudgetTree, timing: Timing, problems: list[Problem]
) -> Parent | None:
    if table.parent is None:
        return None
    problems += parent_problems(table.parent, table.domain, tree, timing)
    mqtt = None
    if table.parent.mqtt is not None:
        mqtt = _mqtt(table.parent.mqtt, f"{name}-parent", problems, ("parent", "mqtt"))
    return Parent(parent_place(table.parent), mqtt)


def _mqtt(table: SiteMqtt, name: str, problems: list[Problem], path: tuple[str, ...] = ("mqtt",)) -> MqttConfig | None:
    if table.fallback_urls:
        problems.append(Problem((*path, "fallback_urls"), "all of a fleet use one broker: remove it"))
    if table.base != "pgood":
        problems.append(Problem((*path, "base"), "the topics of a fleet are below pgood/fleet: remove it"))
    try:
        config = mqtt_config(table, name)
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return None
    if config is None:
        problems.append(Problem((*path, "url"), "is empty: name the broker, for example mqtts://USER@HOST:8883"))
    return config
