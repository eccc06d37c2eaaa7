# SPDX-License-Identifier: Apache-2.0
"""The tree of groups with limits, and the nodes in it; checked as a whole before anything relies on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.fleet.budget.priority import BY_NAME, FLOOR_SHARES, Priority
from agent.profile.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.fleet.budget.tables import BandTable, BudgetTable, GroupTable, KindName, NodeTable

KINDS: tuple[KindName, ...] = ("site", "room", "rack", "board")
"""From the outermost inwards."""


@dataclass(frozen=True, slots=True)
class Node:
    """`base_w` <= `floor_w` <= `peak_w`; `path` are the groups it is in, its own first."""

    name: str
    priority: Priority
    base_w: float
    peak_w: float
    floor_w: float
    least_w: float
    falls_back: bool
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`nodes` are its own, without those of the groups in it."""

    name: str
    kind: KindName
    limit_w: float
    reserve_w: float
    parent: str | None
    groups: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BudgetTree:
    """`groups` are ordered so that every group comes after those in it; `root` is the last."""

    root: str
    groups: Mapping[str, Group]
    nodes: Mapping[str, Node]
    bands: BandTable

    def nodes_below(self, group: str) -> Iterator[Node]:
        """All, however deep."""
        for name in self.groups[group].groups:
            yield from self.nodes_below(name)
        for name in self.groups[group].nodes:
            yield self.nodes[name]


class TreeError(Exception):
    """The groups cannot be used; `problems` name each place and its cure."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{'.'.join(map(str, one.path))}: {one.text}" for one in problems))


def build_tree(table: BudgetTable) -> BudgetTree:
    """Raises TreeError with everything that is wrong."""
    problems = [*_shape(table), *_numbers(table)]
    if problems:
        raise TreeError(tuple(problems))
    parents = {child: name for name, group in table.groups.items() for child in group.groups}
    root = next(name for name in table.groups if name not in parents)
    order = list(_inner_first(table.groups, root))
    groups = {
        name: Group(
            name,
            table.groups[name].kind,
            table.groups[name].limit_w,
            table.groups[name].reserve_w,
            parents.get(name),
            table.groups[name].groups,
            table.groups[name].nodes,
        )
        for name in order
    }
    nodes = {
        node: _node(node, table.nodes[node], tuple(_upwards(name, parents)))
        for name in order
        for node in groups[name].nodes
    }
    problems = list(_sums(BudgetTree(root, groups, nodes, table.bands)))
    if problems:
        raise TreeError(tuple(problems))
    return BudgetTree(root, groups, nodes, table.bands)


def _node(name: str, table: NodeTable, path: tuple[str, ...]) -> Node:
    priority = BY_NAME[table.priority]
    floor_w = table.floor_w if table.floor_w is not None else FLOOR_SHARES[priority] * table.peak_w
    least_w = table.least_w if table.least_w is not None else table.base_w
    floor_w = min(max(floor_w, table.base_w), table.peak_w)
    return Node(name, priority, table.base_w, table.peak_w, floor_w, least_w, table.falls_back, path)


def _shape(table: BudgetTable) -> Iterator[Problem]:
    """Every group and node has exactly one owner, but for one root, and nothing is inside itself."""
    yield from _owners("groups", table.groups, {name: group.groups for name, group in table.groups.items()})
    yield from _owners("nodes", table.nodes, {name: group.nodes for name, group in table.groups.items()})
    owned = {child for group in table.groups.values() for child in group.groups}
    roots = [name for name in table.groups if name not in owned]
    if len(roots) > 1:
        names = ", ".join(roots)
        yield Problem(("groups",), f"{names} are all outermost: name them in the `groups` of one site")
    reached = {name for root in roots for name in _inner_first(table.groups, root)}
    for name in table.groups:
        if name not in reached and _is_inside_itself(table.groups, name):
            yield Problem(("groups", name), "is inside itself: take it out of the `groups` of one of those in it")
    held = {node for group in table.groups.values() for node in group.nodes}
    for name in table.nodes:
        if name not in held:
            yield Problem(("nodes", name), "is in no group: name it in the `nodes` of the group that feeds it")


def _owners(key: str, known: Mapping[str, object], owned: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for owner, names in owned.items():
        for number, name in enumerate(names):
            path = ("groups", owner, key, number)
            if name not in known:
                yield Problem(path, f"there is no {name}: add [{key}.{name}], or is it misspelt?")
            elif name in owners:
                yield Problem(path, f"{name} is already in {owners[name]}: what feeds it? Keep it there only")
            owners.setdefault(name, owner)


def _numbers(table: BudgetTable) -> Iterator[Problem]:
    bands = table.bands
    if not bands.release < bands.target < bands.cap:
        yield Problem(("bands",), "must be release < target < cap: 0.90, 0.95 and 0.99 are the usual ones")
    for name, group in table.groups.items():
        if group.reserve_w >= group.limit_w:
            yield Problem(("groups", name, "reserve_w"), f"must be less than limit_w, {group.limit_w:g} W")
        for number, child in enumerate(group.groups):
            inner = table.groups.get(child)
            if inner is not None and KINDS.index(inner.kind) <= KINDS.index(group.kind):
                text = f"a {inner.kind} cannot be in a {group.kind}: the order is {', '.join(KINDS)}"
                yield Problem(("groups", name, "groups", number), text)
    for name, node in table.nodes.items():
        if node.base_w > node.peak_w:
            yield Problem(("nodes", name, "base_w"), f"must not be above peak_w, {node.peak_w:g} W")
        if node.floor_w is not None and not node.base_w <= node.floor_w <= node.peak_w:
            text = f"must be from base_w to peak_w, {node.base_w:g} to {node.peak_w:g} W"
            yield Problem(("nodes", name, "floor_w"), text)
        if node.least_w is not None and node.least_w > node.base_w:
            yield Problem(("nodes", name, "least_w"), f"must not be above base_w, {node.base_w:g} W")


def _sums(tree: BudgetTree) -> Iterator[Problem]:
    for name, group in tree.groups.items():
        base_w = sum(node.base_w for node in tree.nodes_below(name))
        if base_w > group.limit_w:
            text = f"the base_w of its nodes are {base_w:g} W together: lower them, or raise limit_w to that"
            yield Problem(("groups", name, "limit_w"), text)


def _is_inside_itself(groups: Mapping[str, GroupTable], group: str) -> bool:
    """Not so for a group that is merely below such a one."""
    return any(group in _inner_first(groups, child) for child in groups[group].groups if child in groups)


def _inner_first(groups: Mapping[str, GroupTable], root: str) -> Iterator[str]:
    """Ends on any input: no group is entered twice."""
    entered = {root}
    order = [root]
    for name in order:
        for child in groups[name].groups:
            if child in groups and child not in entered:
                entered.add(child)
                order.append(child)
    return reversed(order)


def _upwards(group: str, parents: Mapping[str, str]) -> Iterator[str]:
    name: str | None = group
    while name is not None:
        yield name
        name = parents.get(name)
