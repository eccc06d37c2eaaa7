# SPDX-License-Identifier: Apache-2.0
"""From readings to leases, once a cycle: needs upwards, budgets downwards, and only what the ledger has room for. Pure.

Nothing is changed for trifles. What is lowered is lowered at once. What is raised waits for room and, if nobody is
pressed, for its turn by chance, so that not all are released together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.bands import Band, band_of, is_latched
from agent.fleet.budget.demand import is_pressed, wanted_w
from agent.fleet.budget.explain import Rule, Why
from agent.fleet.budget.leaf import Claim, assign, needs
from agent.fleet.budget.ledger import ROUNDING_W
from agent.fleet.budget.priority import Priority
from agent.fleet.budget.summaries import Tiers, add, fill, no_needs, split
from agent.fleet.budget.timing import RENEW
from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from agent.fleet.budget.ledger import Account, Ledger
    from agent.fleet.budget.messages import Grant, Revision
    from agent.fleet.budget.tree import Node

UNREADABLE = 0.20
"""With more of a group's nodes silent, nothing in it is released."""
RELEASE_SHARE = 0.3
"""The chance of each node to be released in a cycle."""
TRIFLE = 0.04
"""A change of less than this part of the peak is not made, but for critical nodes."""
RETRY_NS = 2 * SECOND_NS
"""What a node does not tell to have got after so long is sent again."""
DECAY = 0.98
"""What a node wanted is forgotten so slowly, each cycle: one that is at its cap now and then shall not flicker."""
EPSILON_W = 1e-6
UNHEARD = frozenset({Rule.SILENT, Rule.LOST, Rule.OFF})


@dataclass(slots=True)
class _Lease:
    cap_w: float
    revision: Revision
    granted_ns: int


@dataclass(slots=True)
class GroupState:
    """As of the last cycle. `watts` counts silent nodes with what they may draw."""

    watts: float = 0.0
    read_w: float = 0.0
    """Of the nodes that are heard."""
    latched: bool = False
    band: Band = Band.RELEASE
    unreadable: bool = False
    nodes: int = 0
    silent: int = 0
    usable_w: float = 0.0
    budget_w: float = 0.0
    short: bool = False
    """Someone is pressed and there is no room for it."""
    binding: str = ""
    """The group whose limit is nearest: this one or one around it."""
    _needs: Tiers = field(default_factory=no_needs)


@dataclass(slots=True)
class BudgetControl:
    """Of one term of one coordinator. `chance` is seeded; `ledger` has heard the reports."""

    ledger: Ledger
    chance: random.Random
    groups: dict[str, GroupState] = field(init=False)
    changes: int = 0
    """Caps that were changed, without renewals."""
    _leases: dict[str, _Lease] = field(default_factory=dict)
    _claims: dict[str, list[Claim]] = field(default_factory=dict)
    _rules: dict[str, Rule] = field(default_factory=dict)
    _ideal_w: dict[str, float] = field(default_factory=dict)
    _urgent: set[str] = field(default_factory=set)
    """Pressed nodes, and critical ones before they are."""
    _limits_w: dict[str, float] = field(default_factory=dict)
    _wants_w: dict[str, float] = field(default_factory=dict)
    _moves_w: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = {name: GroupState() for name in self.ledger.tree.groups}

    def step(
        self,
        now_ns: int,
        limits_w: dict[str, float],
        ceilings_w: Mapping[str, float] | None = None,
        moves_w: Mapping[str, float] | None = None,
    ) -> list[Grant]:
        """`limits_w` of every group are in force now; `ceilings_w` hold single nodes down, for an emergency.

        `moves_w` are what a policy wants a node to have more or less than it asks for.
        """
        self._moves_w = moves_w or {}
        self._limits_w = limits_w
        self.ledger.count(now_ns)
        self._read(now_ns, ceilings_w or {})
        self._share_out(limits_w)
        return self._carry_out(now_ns, limits_w)

    @property
    def limits_w(self) -> Mapping[str, float]:
        """In force in the last cycle."""
        return self._limits_w

    def wanted_w(self) -> float:
        """What all nodes together want, as far as the groups' own limits allow; the site's parent is told it."""
        tree = self.ledger.tree
        wanted_w = dict.fromkeys(tree.groups, 0.0)
        for name, group in tree.groups.items():
            wanted_w[name] += sum(claim.want_w for claim in self._claims.get(name, ()))
            wanted_w[name] = min(wanted_w[name], group.limit_w)
            if group.parent is not None:
                wanted_w[group.parent] += wanted_w[name]
        return wanted_w[tree.root]

    def drawn_w(self, now_ns: int) -> float:
        """What is drawn by the nodes' readings; what is not heard counts with what it may draw."""
        return sum(
            self.ledger.counted_w(name) if one.report is None or self.ledger.silent(name, now_ns) else one.report.watts
            for name, one in self.ledger.accounts.items()
        )

    def alarms(self) -> list[str]:
        """Groups over their limit by what is counted, and those that are blind."""
        over = [
            f"{name}: {self.ledger.sum_w(name):.0f} W counted, {limit_w:.0f} W allowed"
            for name, limit_w in self._limits_w.items()
            if self.ledger.sum_w(name) > limit_w + EPSILON_W
        ]
        blind = [
            f"{name}: too many nodes are silent, nothing is released"
            for name, group in self.groups.items()
            if group.unreadable
        ]
        return over + blind

    def why(self, name: str, now_ns: int) -> Why:
        """Raises KeyError for an unknown node."""
        account = self.ledger.accounts[name]
        group = self.groups[account.node.path[0]].binding or account.node.path[0]
        report = account.report
        return Why(
            name,
            self._rules.get(name, Rule.SILENT),
            self._cap_w(name, account, now_ns),
            self.ledger.counted_w(name),
            group,
            self._limits_w.get(group, self.ledger.tree.groups[group].limit_w),
            self.ledger.sum_w(group),
            report.watts if report is not None else None,
            now_ns - account.heard_ns if report is not None else None,
            report.lease_w if report is not None else None,
        )

    def _read(self, now_ns: int, ceilings_w: Mapping[str, float]) -> None:
        """Each node's claim, each group's watts and how much of it is heard."""
        tree, ledger = self.ledger.tree, self.ledger
        counts = dict.fromkeys(tree.groups, 0)
        silent = dict.fromkeys(tree.groups, 0)
        self._claims = {name: [] for name in tree.groups}
        self._urgent = set()
        for group in self.groups.values():
            group.watts = group.read_w = 0.0
        for name, account in ledger.accounts.items():
            home = account.node.path[0]
            counts[home] += 1
            heard = not ledger.silent(name, now_ns)
            if not heard and name not in ledger.leaving:
                silent[home] += 1
            claim, watts = self._claim(name, account, heard, now_ns, ceilings_w.get(name))
            self._claims[home].append(claim)
            self.groups[home].watts += watts
            if heard and account.report is not None:
                self.groups[home].read_w += account.report.watts
        for name, one in tree.groups.items():
            group = self.groups[name]
            group.unreadable = silent[name] > UNREADABLE * counts[name]
            group.nodes, group.silent = counts[name], silent[name]
            if one.parent is not None:
                counts[one.parent] += counts[name]
                silent[one.parent] += silent[name]
                self.groups[one.parent].watts += group.watts
                self.groups[one.parent].read_w += group.read_w

    def _claim(
        self, name: str, account: Account, heard: bool, now_ns: int, ceiling_w: float | None
    ) -> tuple[Claim, float]:
        """The claim, and what the node draws or may be drawing."""
        node, report, counted_w = account.node, account.report, self.ledger.counted_w(name)
        rule = Rule.FREE
        if report is None or not heard:
            rule = Rule.OFF if name in self.ledger.leaving else Rule.SILENT
            if self.ledger.lost(name, now_ns):
                rule = Rule.LOST
        elif not self.ledger.known(name, now_ns):
            rule = Rule.TAKEOVER
        elif account.unproven:
            rule = Rule.UNPROVEN
        self._rules[name] = rule
        if report is None or not heard:
            return Claim.fixed(name, node.priority, counted_w), counted_w
        if rule in (Rule.UNPROVEN, Rule.TAKEOVER):
            return Claim.fixed(name, node.priority, counted_w), max(report.watts, 0.0)
        if node.priority is Priority.CRITICAL or is_pressed(report):
            self._urgent.add(name)
        want_w = max(wanted_w(report, node.peak_w), node.base_w, DECAY * self._wants_w.get(name, 0.0))
        self._wants_w[name] = want_w
        if node.priority is Priority.CRITICAL:
            want_w = node.peak_w  # so that its surge meets no cap
        floor_w = min(node.floor_w, want_w)
        peak_w = node.peak_w
        if name in self._moves_w:
            want_w = min(max(want_w + self._moves_w[name], floor_w), peak_w)
            if self._moves_w[name] < 0:
                self._rules[name], peak_w = Rule.POLICY, want_w
        claim = Claim(name, node.priority, node.base_w, floor_w, want_w, peak_w)
        if ceiling_w is not None:
            self._rules[name] = Rule.EMERGENCY
            top_w = max(ceiling_w, node.least_w)
            claim = Claim(
                name,
                node.priority,
                min(node.base_w, top_w),
                min(floor_w, top_w),
                min(want_w, top_w),
                min(peak_w, top_w),
            )
        return claim, report.watts

    def _share_out(self, limits_w: Mapping[str, float]) -> None:
        """Needs go up, clipped by each limit; budgets come down; nodes get their caps."""
        tree = self.ledger.tree
        for name, one in tree.groups.items():
            group = self.groups[name]
            group.band = band_of(group.watts, limits_w[name], tree.bands)
            group.latched = is_latched(group.latched, group.band)
            group.usable_w = limits_w[name] * (tree.bands.target if group.latched else 1.0)
            total = needs(self._claims[name])
            for child in one.groups:
                add(total, self.groups[child]._needs)
            group._needs = fill(group.usable_w, one.reserve_w, total)
        for name in reversed(list(tree.groups)):
            one, group = tree.groups[name], self.groups[name]
            if one.parent is None:
                group.budget_w, group.binding = group.usable_w, name
            claims = self._claims[name]
            parts = [self.groups[child]._needs for child in one.groups]
            budgets_w = split(group.budget_w, one.reserve_w, [needs(claims), *parts]) if parts else [group.budget_w]
            for child, budget_w in zip(one.groups, budgets_w[1:], strict=True):
                inner = self.groups[child]
                inner.budget_w = budget_w
                inner.binding = child if budget_w >= inner.usable_w - EPSILON_W else group.binding
            self._ideal_w |= assign(budgets_w[0], one.reserve_w if not parts else 0.0, claims)

    def _carry_out(self, now_ns: int, limits_w: dict[str, float]) -> list[Grant]:
        """Lower first, then raise by priority, then renew what is left."""
        grants: list[Grant] = []
        rises: list[tuple[bool, Priority, str, float]] = []
        renewals: list[tuple[str, float]] = []
        changing: list[tuple[str, Account, float, float]] = []
        self._find_short(now_ns, limits_w)
        for name, account in self.ledger.accounts.items():
            rule = self._rules[name]
            if rule in UNHEARD:
                continue
            if rule is Rule.TAKEOVER:
                fence = self.ledger.fence(name)
                if fence is not None:
                    grants.append(fence)
                continue
            present_w = self._cap_w(name, account, now_ns)
            wanted = account.node.base_w if rule is Rule.UNPROVEN else self._ideal_w[name]
            if wanted < present_w - self._least_cut_w(account) and self._must_lower(account, rule):
                self.changes += 1
                self._grant(grants, name, wanted, limits_w, now_ns)
            else:
                changing.append((name, account, present_w, wanted))
        for name, account, present_w, wanted in changing:
            if wanted > present_w + _trifle_w(account.node) and self._may_rise(name, account):
                rises.append((name not in self._urgent, account.node.priority, name, wanted))
            elif self._due(name, now_ns):
                renewals.append((name, present_w))
        for _, _, name, wanted in sorted(rises):
            account = self.ledger.accounts[name]
            present_w = self._cap_w(name, account, now_ns)
            if min(self.ledger.room_w(name, limits_w), wanted) > present_w + _trifle_w(account.node) / 2:
                self.changes += 1
                self._grant(grants, name, wanted, limits_w, now_ns)
            elif self._due(name, now_ns):
                self._grant(grants, name, present_w, limits_w, now_ns)
        for name, present_w in renewals:
            self._grant(grants, name, present_w, limits_w, now_ns)
        self._judge()
        return grants

    def _find_short(self, now_ns: int, limits_w: Mapping[str, float]) -> None:
        """Where watts must be freed: too much is counted, or someone needs more at once and there is no room."""
        missing_w = dict.fromkeys(self.groups, 0.0)
        for name in self._urgent:
            account = self.ledger.accounts[name]
            more_w = self._ideal_w[name] - self._cap_w(name, account, now_ns)
            if more_w > _trifle_w(account.node):
                for around in account.node.path:
                    missing_w[around] += more_w
        for name, group in self.groups.items():
            room_w = min(limits_w[name], group.usable_w) - self.ledger.sum_w(name)
            group.short = missing_w[name] > max(room_w, 0.0) or room_w < -EPSILON_W

    def _least_cut_w(self, account: Account) -> float:
        """In a group that is to be cut, or is over its limit by what is counted, no cut is a trifle."""
        for name in account.node.path:
            group = self.groups[name]
            if group.band is Band.CUT or self.ledger.sum_w(name) > self._limits_w[name] + EPSILON_W:
                return ROUNDING_W
        return _trifle_w(account.node)

    def _must_lower(self, account: Account, rule: Rule) -> bool:
        if rule in (Rule.UNPROVEN, Rule.EMERGENCY):
            return True
        return any(self.groups[group].short for group in account.node.path)

    def _may_rise(self, name: str, account: Account) -> bool:
        path = account.node.path
        if any(self.groups[group].unreadable for group in path):
            self._rules[name] = Rule.UNREADABLE
            return False
        if name in self._urgent:
            return True
        calm = all(self.groups[group].band is Band.RELEASE for group in path)
        return calm and self.chance.random() < RELEASE_SHARE

    def _grant(self, grants: list[Grant], name: str, cap_w: float, limits_w: dict[str, float], now_ns: int) -> None:
        grant = self.ledger.grant(name, cap_w, limits_w, now_ns)
        if grant is not None and grant.cap_w is not None:
            self._leases[name] = _Lease(grant.cap_w, grant.revision, now_ns)
            grants.append(grant)

    def _cap_w(self, name: str, account: Account, now_ns: int) -> float:
        """What it was last granted, or what it says that it has."""
        lease = self._leases.get(name)
        if lease is not None and now_ns - lease.granted_ns < self.ledger.lease_ns:
            return lease.cap_w
        return account.report.lease_w if account.report is not None else account.node.base_w

    def _due(self, name: str, now_ns: int) -> bool:
        """It ends soon, by what the node says, or the node has not told to have it."""
        lease, account = self._leases.get(name), self.ledger.accounts[name]
        if lease is None or account.report is None:
            return True
        if now_ns - lease.granted_ns < RETRY_NS:
            return False
        report = account.report
        left_ns = report.lease_left_ns - (now_ns - account.heard_ns)
        return report.revision < lease.revision or left_ns < RENEW * self.ledger.lease_ns

    def _judge(self) -> None:
        """The rule of each node that is under ordinary control."""
        for claims in self._claims.values():
            for claim in claims:
                if self._rules[claim.name] is not Rule.FREE:
                    continue
                cap_w = self._ideal_w[claim.name]
                if cap_w >= claim.peak_w - EPSILON_W:
                    rule = Rule.FREE
                elif cap_w >= claim.want_w - EPSILON_W:
                    rule = Rule.SHARED
                elif cap_w > claim.floor_w + EPSILON_W:
                    rule = Rule.CUT
                else:
                    rule = Rule.FLOOR if cap_w >= claim.floor_w - EPSILON_W else Rule.BASE
                self._rules[claim.name] = rule


def _trifle_w(node: Node) -> float:
    return ROUNDING_W if node.priority is Priority.CRITICAL else TRIFLE * node.peak_w
