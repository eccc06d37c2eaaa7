# SPDX-License-Identifier: Apache-2.0
"""Several sites under one parent. To the parent a site is a node whose base is what its contract always gives. Pure.

The parent uses the same ledger and control, with leases of `SITE_LEASE_NS`. The site's own limit stands whatever the
parent says. A site gives up a lease so early that its nodes, whose leases last `LEASE_NS`, have all fallen back before
it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.fleet.budget.lease import LEASE_NS, SETTLE_NS, NodeLease
from agent.fleet.budget.ledger import at_most_ns
from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.fleet.budget.messages import Grant, Refusal, Report

SITE_LEASE_NS = 300 * SECOND_NS
FALL_BACK_NS = at_most_ns(LEASE_NS) + 2 * SETTLE_NS
"""How long a site needs to come down by itself at the longest."""


@dataclass(slots=True)
class SiteBudget:
    """The site's side: its limit now, and what it tells the parent."""

    lease: NodeLease
    limit_w: float

    @classmethod
    def start(cls, site: str, minimum_w: float, limit_w: float, session: int, now_ns: int) -> SiteBudget:
        """`minimum_w` is what the contract gives without a parent, `limit_w` what the site's own lines carry."""
        lease = NodeLease(site, minimum_w, limit_w, session, now_ns, SITE_LEASE_NS, FALL_BACK_NS)
        return cls(lease, limit_w)

    def accept(self, grant: Grant, now_ns: int) -> Refusal | None:
        return self.lease.accept(grant, now_ns)

    def root_limit_w(self, now_ns: int) -> float:
        """For the site's outermost group; never above its own limit."""
        return min(self.lease.cap_w(now_ns), self.limit_w)

    def report(self, counted_w: float, wanted_w: float, now_ns: int) -> Report:
        """`counted_w` is the sum of the site's ledger: when that is down, the site says that it is proven."""
        self.lease.was_set(self.lease.cap_w(now_ns), now_ns)
        self.lease.was_read(counted_w)
        self.lease.measured(counted_w, now_ns, demand_w=wanted_w)
        return self.lease.report(now_ns)


@dataclass(frozen=True, slots=True)
class SiteRoom:
    """What a site could take of load that may run anywhere; `cost` is its price or carbon, in any one unit."""

    site: str
    room_w: float
    cost: float


def place(load_w: float, rooms: Sequence[SiteRoom]) -> tuple[dict[str, float], float]:
    """Where deferrable load goes, the cheapest site first; and what must wait."""
    placed_w: dict[str, float] = {}
    for room in sorted(rooms, key=lambda one: (one.cost, one.site)):
        part_w = min(load_w, max(room.room_w, 0.0))
        if part_w > 0:
            placed_w[room.site] = part_w
            load_w -= part_w
    return placed_w, load_w
