# SPDX-License-Identifier: Apache-2.0
"""The file that a coordinator is started with: broker, domain, groups and nodes (keys: docs/fleet-budget.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.budget.tables import BandTable, BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.tree import TreeError, build_tree
from agent.fleet.farm.tables import FarmTable, farm_file
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
TAKEN = ("client", "kv", "lease")
"""What the bus itself has below `pgood/fleet/`."""


class CoordinatorTable(Table, frozen=True):
    """A whole file."""

    domain: Name
    """Second level of the topics below `pgood/fleet`; the nodes use the same."""
    mqtt: SiteMqtt
    """As in a site file; what is about a board only is not used."""
    groups: dict[Name, GroupTable] = msgspec.field(default_factory=dict)
    nodes: dict[Name, NodeTable] = msgspec.field(default_factory=dict)
    bands: BandTable = msgspec.field(default_factory=BandTable)
    farm: FarmTable | None = None
    """Machines that sleep while nobody needs them (docs/fleet-farm.md)."""


@dataclass(frozen=True, slots=True)
class CoordinatorFile:
    """Checked."""

    domain: str
    mqtt: MqttConfig
    tree: BudgetTree | None
    """None = no power is shared."""
    farm: FarmFile | None


def load_coordinator(file: Path, name: str) -> CoordinatorFile:
    """`name` is this coordinator's, for the broker. Raises ConfigError with every problem found."""
    source = read_text(file)
    table, problems = decode(file, source, CoordinatorTable, PAGE)
    if table is None:
        raise ConfigError(file, problems, source)
    if table.domain in TAKEN:
        problems.append(Problem(("domain",), f"{table.domain} is a topic of the bus itself: choose another name"))
    mqtt = _mqtt(table.mqtt, name, problems)
    farm = None if table.farm is None else farm_file(table.farm, TAKEN, problems)
    if not table.groups and (farm is None or table.nodes):
        problems.append(Problem(("groups",), "is missing: name what has a limit, as [groups.NAME], or a [farm]"))
        raise ConfigError(file, problems, source)
    try:
        budget = BudgetTable(groups=table.groups, nodes=table.nodes, bands=table.bands)
        tree = build_tree(budget) if table.groups else None
    except TreeError as error:
        raise ConfigError(file, [*problems, *error.problems], source) from error
    if mqtt is None or problems:
        raise ConfigError(file, problems, source)
    return CoordinatorFile(table.domain, mqtt, tree, farm)


def _mqtt(table: SiteMqtt, name: str, problems: list[Problem]) -> MqttConfig | None:
    if table.fallback_urls:
        problems.append(Problem(("mqtt", "fallback_urls"), "all of a fleet use one broker: remove it"))
    if table.base != "pgood":
        problems.append(Problem(("mqtt", "base"), "the topics of a fleet are below pgood/fleet: remove it"))
    try:
        config = mqtt_config(table, name)
    except ValueError as error:
        problems.append(Problem(("mqtt",), str(error)))
        return None
    if config is None:
        problems.append(Problem(("mqtt", "url"), "is empty: name the broker, for example mqtts://USER@HOST:8883"))
    return config
