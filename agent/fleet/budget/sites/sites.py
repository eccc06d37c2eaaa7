# SPDX-License-Identifier: Apache-2.0
"""Several sites under one parent. To the parent a site is a node whose base is what its contract always gives. Pure.

The parent uses the same ledger and control, with leases of `SITE_LEASE_NS`. The site's own limit stands whatever the
parent says. A site gives up a lease so early that its nodes, whose leases last `LEASE_NS`, have all fallen back before
it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agent.fleet.budget.lease import LEASE_NS, SETTLE_NS, TOLERANCE_W, NodeLease
from agent.fleet.budget.ledger import at_most_ns
from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    from agent.fleet.budget.messages import Grant, Refusal, Report

SITE_LEASE_NS = 300 * SECOND_NS


def fall_back_ns(lease_ns: int) -> int:
    """How long a site whose nodes have such leases needs to come down by itself at the longest."""
    return at_most_ns(lease_ns) + 2 * SETTLE_NS


FALL_BACK_NS = fall_back_ns(LEASE_NS)


@dataclass(slots=True)
class SiteBudget:
    """The site's side: its limit now, and what it tells the parent."""

    lease: NodeLease
    limit_w: float

    @classmethod
    def start(
        cls, site: str, minimum_w: float, limit_w: float, session: int, now_ns: int,
        lease_ns: int = SITE_LEASE_NS, falls_back_ns: int = FALL_BACK_NS,
    ) -> SiteBudget:  # fmt: skip
        """`minimum_w` is what the contract gives without a parent, `limit_w` what the site's own lines carry."""
        lease = NodeLease(site, minimum_w, limit_w, session, now_ns, lease_ns, falls_back_ns)
        return cls(lease, limit_w)

    def accept(self, grant: Grant, now_ns: int) -> Refusal | None:
        return self.lease.accept(grant, now_ns)

    def root_limit_w(self, now_ns: int) -> float:
        """For the site's outermost group; never above its own limit."""
        return min(self.lease.cap_w(now_ns), self.limit_w)

    def report(self, counted_w: float, wanted_w: float, now_ns: int, drawn_w: float | None = None) -> Report:
        """`counted_w` is the sum of the site's ledger: when that is down, the site says that it is proven."""
        cap_w = self.lease.cap_w(now_ns)
        self.lease.was_set(cap_w, now_ns)
        self.lease.was_read(counted_w if counted_w <= cap_w + TOLERANCE_W else None)  # it is on its way down
        self.lease.measured(counted_w, now_ns, demand_w=wanted_w)
        report = self.lease.report(now_ns)
        return report if drawn_w is None else replace(report, watts=drawn_w)
