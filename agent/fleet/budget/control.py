# SPDX-License-Identifier: Apache-2.0
"""From readings to leases, once a cycle: needs upwards, budgets downwards, and only what the ledger has room for. Pure.

Nothing is changed for trifles. What is lowered is lowered at once. What is raised waits for room and, if nobody is
pressed, for its turn by chance, so that not all are released together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.bands import Band
from agent.fleet.budget.explain import Rule, Why
from agent.fleet.budget.leaf import Claim
from agent.fleet.budget.summaries import Tiers, no_needs
from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from agent.fleet.budget.ledger import Ledger
    from agent.fleet.budget.messages import Grant, Revision

UNREADABLE = 0.20
"""With more of a group's nodes silent, nothing in it is released."""
RELEASE_SHARE = 0.3
"""The chance of each node to be released in a cycle."""
TRIFLE = 0.04
"""A change of less than this part of the peak is not made."""
RENEW = 2 / 3
"""A lease with less left than this part is renewed."""
RETRY_NS = 2 * SECOND_NS
"""What a node does not tell to have got after so long is sent again."""
DECAY = 0.98
"""What a node wanted is forgotten so slowly, each cycle: one that is at its cap now and then shall not flicker."""
EPSILON_W = 1e-6


@dataclass(slots=True)
class _Lease:
    cap_w: float
    revision: Revision
    granted_ns: int


@dataclass(slots=True)
class GroupState:
    """As of the last cycle. `watts` counts silent nodes with what they may draw."""

    watts: float = 0.0
    latched: bool = False
    band: Band = Band.RELEASE
    unreadable: bool = False
    usable_w: float = 0.0
    budget_w: float = 0.0
    short: bool = False
    """Someone is pressed and there is no room for him."""
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
    _pressed: set[str] = field(default_factory=set)
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
