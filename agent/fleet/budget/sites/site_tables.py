# SPDX-License-Identifier: Apache-2.0
"""What a coordinator's file says of several sites: `[parent]` in a site's, `[deferrable]` in a parent's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.fleet.budget.sites.deferrable import Cost
from agent.fleet.budget.sites.site_link import ParentPlace
from agent.fleet.budget.sites.sites import SITE_LEASE_NS, fall_back_ns
from agent.fleet.budget.tables import LeaseSeconds, Watts
from agent.fleet.bus import SECOND_NS
from agent.profile.base import Name, Table
from agent.profile.problem import Problem
from agent.profile.site import SiteMqtt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.fleet.budget.timing import Timing
    from agent.fleet.budget.tree import BudgetTree
    from agent.mqtt.config import MqttConfig


class ParentTable(Table, frozen=True):
    """The coordinator above this site's."""

    domain: Name
    """Of the parent."""
    site: Name
    """This site's name in the parent's file."""
    minimum_w: Watts
    """What the contract gives without a parent."""
    lease_s: LeaseSeconds = SITE_LEASE_NS / SECOND_NS
    """As in the parent's file."""
    mqtt: SiteMqtt | None = None
    """The parent's broker; the site's own, unless given."""


class DeferrableTable(Table, frozen=True):
    """Load that may run at any site."""

    load_w: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0
    costs: dict[Name, Cost] = msgspec.field(default_factory=dict)
    """Price or carbon, by site; a site without one gets none."""


@dataclass(frozen=True, slots=True)
class Parent:
    """Checked. `mqtt` None = the site's own broker."""

    place: ParentPlace
    mqtt: MqttConfig | None


def parent_place(table: ParentTable) -> ParentPlace:
    return ParentPlace(table.domain, table.site, table.minimum_w, round(table.lease_s * SECOND_NS))


def parent_problems(table: ParentTable, domain: str, tree: BudgetTree, timing: Timing) -> Iterator[Problem]:
    """What does not fit to the rest of the file."""
    root = tree.groups[tree.root]
    base_w = sum(node.base_w for node in tree.nodes.values())
    if table.domain == domain:
        yield Problem(("parent", "domain"), f"{domain} is this site's own: name the parent's")
    if table.minimum_w < base_w:
        text = f"the base_w of all nodes are {base_w:g} W together: without a parent the site draws that"
        yield Problem(("parent", "minimum_w"), text)
    if table.minimum_w > root.limit_w:
        yield Problem(("parent", "minimum_w"), f"must not be above limit_w of {tree.root}, {root.limit_w:g} W")
    least_s = 2 * fall_back_ns(timing.lease_ns) / SECOND_NS
    if table.lease_s < least_s:
        yield Problem(("parent", "lease_s"), f"must be {least_s:.0f} or more, here and in the parent's file")


def deferrable_problems(table: DeferrableTable, tree: BudgetTree) -> Iterator[Problem]:
    for name in table.costs:
        if name not in tree.nodes:
            yield Problem(("deferrable", "costs", name), f"there is no {name}: add [nodes.{name}], or is it misspelt?")
