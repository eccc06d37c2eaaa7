# SPDX-License-Identifier: Apache-2.0
"""Emergencies: what they take from a group, in which order, and when they are over. Pure.

An emergency lowers the limit of its group. If more is drawn than that, nodes are cut at once, the least important first
and of those the largest: by half, critical and production by a fifth, as often as it takes. It never cuts below a
node's base, unless it is marked critical: then to the node's `least_w`. It ends by itself, after its cause was away for
a while.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from agent.fleet.budget.priority import Priority
from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.fleet.budget.tree import BudgetTree, Node

DEEP, MILD = 0.5, 0.2
"""Parts of its present power that a node is cut by in one step."""
CLEAR_NS = 60 * SECOND_NS
"""So long the cause must be away."""
STEP_NS = 6 * SECOND_NS
"""A cut is given so long to show before the next one."""
CLEAR_BELOW = 0.90
"""Of the limit: over-consumption is away below it."""
COOLER_C = 3.0
"""Below its trip by so much, heat is away."""
EPSILON_W = 0.5


class EmergencyKind(Enum):
    """The value is what is told."""

    OVER_CONSUMPTION = "over-consumption"
    THERMAL = "thermal"
    GRID = "grid"
    COOLING = "cooling-failure"


SHARES = {
    EmergencyKind.OVER_CONSUMPTION: 1.0,
    EmergencyKind.THERMAL: 0.8,
    EmergencyKind.GRID: 0.8,
    EmergencyKind.COOLING: 0.5,
}
"""What is left of a group's limit, unless the emergency says so itself."""


@dataclass(slots=True)
class Emergency:
    """`began_ns` is when the reading came that told of it.

    `response_ns`: from then, or from when more was asked for, until all caps for it were read back.
    """

    kind: EmergencyKind
    group: str
    began_ns: int
    share: float
    critical: bool = False
    cause: bool = True
    cause_away_ns: int = 0
    until_ns: int | None = None
    """The cause counts as away from then on, unless it is told again; None = it stands."""
    more_ns: int = 0
    """When more was asked for than at its beginning."""
    response_ns: int | None = None
    ended_ns: int | None = None
    cut_ns: int | None = None
    ceilings_w: dict[str, float] = field(default_factory=dict)


def plan_cuts(nodes: Iterable[tuple[Node, float]], shed_w: float, critical: bool) -> Iterator[tuple[str, float]]:
    """New caps for nodes and what each draws now, until `shed_w` is found; one step of each at most."""
    order = sorted(nodes, key=lambda one: (-one[0].priority, -one[1], one[0].name))
    for node, watts in order:
        if shed_w <= EPSILON_W:
            return
        part = DEEP if node.priority >= Priority.DEVELOPMENT else MILD
        floor_w = node.least_w if critical else node.base_w
        less_w = min(part * watts, watts - floor_w, shed_w)
        if less_w > 0:
            shed_w -= less_w
            yield node.name, watts - less_w


@dataclass(slots=True)
class EmergencyDesk:
    """All emergencies of one tree. Times are of the coordinator's monotonic clock."""

    tree: BudgetTree
    running: dict[tuple[EmergencyKind, str], Emergency] = field(default_factory=dict)
    ended: list[Emergency] = field(default_factory=list)

    def signal(
        self,
        kind: EmergencyKind,
        group: str,
        present: bool,
        now_ns: int,
        *,
        share: float | None = None,
        critical: bool = False,
        for_ns: int | None = None,
    ) -> None:
        """The cause is there, or away; with `for_ns` it is away when it was not told again for so long.

        Raises KeyError for an unknown group, ValueError for a share outside 0 to 1.
        """
        self.tree.groups[group]
        left = SHARES[kind] if share is None else share
        if not 0 < left <= 1:
            raise ValueError(f"share of the limit that is left: {left} is not above 0 and up to 1")
        one = self.running.get((kind, group))
        if one is None:
            if present:
                self.running[kind, group] = Emergency(
                    kind, group, now_ns, left, critical, until_ns=_until(now_ns, for_ns)
                )
            return
        if present:
            if left < one.share or (critical and not one.critical):
                one.more_ns, one.response_ns = now_ns, None
            one.share, one.critical = min(one.share, left), one.critical or critical
            one.until_ns = _until(now_ns, for_ns)
        elif one.cause:
            one.cause_away_ns = now_ns
        one.cause = present

    def temperature(self, group: str, celsius: float, trip_c: float, now_ns: int, for_ns: int | None = None) -> None:
        """A reading of a zone; between trip and `COOLER_C` below it nothing changes."""
        one = self.running.get((EmergencyKind.THERMAL, group))
        if celsius >= trip_c:
            self.signal(EmergencyKind.THERMAL, group, True, now_ns, for_ns=for_ns)
        elif celsius < trip_c - COOLER_C:
            self.signal(EmergencyKind.THERMAL, group, False, now_ns)
        elif one is not None and one.cause:
            one.until_ns = _until(now_ns, for_ns)

    def expire(self, now_ns: int) -> None:
        """Causes that were to be told again, and were not, are away."""
        for one in self.running.values():
            if one.cause and one.until_ns is not None and now_ns >= one.until_ns:
                one.cause, one.cause_away_ns = False, now_ns

    def take_over(self) -> None:
        """This coordinator leads from now on: what was cut under another lead says nothing any more."""
        for key, one in list(self.running.items()):
            if one.kind is EmergencyKind.OVER_CONSUMPTION:
                del self.running[key]
            one.ceilings_w, one.cut_ns = {}, None

    def power(self, group: str, read_w: float, most_w: float, limit_w: float, now_ns: int) -> None:
        """What a group was measured to draw, and what it may draw with its silent nodes.

        It takes a reading to begin, and more than silence to end. `limit_w` is without what emergencies take.
        """
        if read_w > limit_w:
            self.signal(EmergencyKind.OVER_CONSUMPTION, group, True, now_ns)
        elif most_w < CLEAR_BELOW * limit_w:
            self.signal(EmergencyKind.OVER_CONSUMPTION, group, False, now_ns)

    def limits_w(self, limits_w: Mapping[str, float]) -> dict[str, float]:
        """What is left of each limit."""
        left_w = dict(limits_w)
        for one in self.running.values():
            left_w[one.group] = min(left_w[one.group], limits_w[one.group] * one.share)
        return left_w

    def ceilings_w(self, watts: Mapping[str, float], limits_w: Mapping[str, float], now_ns: int) -> dict[str, float]:
        """Caps of single nodes while their groups draw more than is left; `watts` of every node that can be cut."""
        left_w = self.limits_w(limits_w)
        together: dict[str, float] = {}
        for one in self.running.values():
            below = [(node, watts[node.name]) for node in self.tree.nodes_below(one.group) if node.name in watts]
            shed_w = sum(drawn_w for _, drawn_w in below) - left_w[one.group]
            if shed_w > EPSILON_W and (one.cut_ns is None or now_ns - one.cut_ns >= STEP_NS):
                one.cut_ns = now_ns
                for name, cap_w in plan_cuts(below, shed_w, one.critical):
                    one.ceilings_w[name] = min(cap_w, one.ceilings_w.get(name, cap_w))
            for name, cap_w in one.ceilings_w.items():
                together[name] = min(cap_w, together.get(name, cap_w))
        return together

    def settle(
        self, counted_w: Mapping[str, float], sums_w: Mapping[str, float], left_w: Mapping[str, float], now_ns: int
    ) -> None:
        """Note which emergencies are answered, and end those whose cause is away long enough.

        Answered: each cut node counts with its new cap, and the group with what is left to it.
        """
        for key, one in list(self.running.items()):
            kept = all(
                counted_w[name] <= max(cap_w, self.tree.nodes[name].base_w) + EPSILON_W
                for name, cap_w in one.ceilings_w.items()
            )
            if one.response_ns is None and kept and sums_w[one.group] <= left_w[one.group] + EPSILON_W:
                one.response_ns = now_ns - max(one.began_ns, one.more_ns)
            if not one.cause and now_ns - one.cause_away_ns >= CLEAR_NS:
                one.ended_ns = now_ns
                self.ended = [*self.ended[-99:], self.running.pop(key)]


def _until(now_ns: int, for_ns: int | None) -> int | None:
    return None if for_ns is None else now_ns + for_ns
