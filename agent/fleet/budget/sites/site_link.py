# SPDX-License-Identifier: Apache-2.0
"""A site's coordinator under a parent: to that one it is a node, over the same messages.

Only the site's leader speaks to the parent. Each lead is a session of its own, which begins with the minimum: what an
earlier leader was granted is the earlier leader's, and a grant to it is refused.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.messages import Refusal, encode, read_grant
from agent.fleet.budget.sites.deferrable import Deferred, read_deferred
from agent.fleet.budget.sites.sites import SITE_LEASE_NS, SiteBudget, fall_back_ns
from agent.fleet.budget.topics import cap_topic, deferred_topic, node_of, report_topic
from agent.fleet.bus import SECOND_NS, BusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.fleet.budget.control import BudgetControl
    from agent.fleet.bus import Bus, Message


@dataclass(frozen=True, slots=True)
class ParentPlace:
    """Where a site is under its parent: `domain` is the parent's, `site` its own name there."""

    domain: str
    site: str
    minimum_w: float
    """What the contract gives without a parent."""
    lease_ns: int = SITE_LEASE_NS
    """As in the parent's file."""


@dataclass(slots=True)
class SiteLink:
    """Used on the asyncio loop only; `clock` is monotonic, in ns."""

    bus: Bus
    place: ParentPlace
    limit_w: float
    """What the site's own lines carry."""
    node_lease_ns: int
    """Of the site's own nodes."""
    clock: Callable[[], int]
    budget: SiteBudget | None = None
    """Of this lead; None while another coordinator of the site leads."""
    refused: dict[Refusal, int] = field(default_factory=dict)
    unreached: int = 0
    _deferred: tuple[Deferred, int] | None = None

    async def listen(self) -> None:
        """Until cancelled."""
        patterns = cap_topic(self.place.domain, self.place.site), deferred_topic(self.place.domain, self.place.site)
        async with asyncio.TaskGroup() as group:
            for pattern in patterns:
                group.create_task(self._hear_all(pattern))

    def lead(self) -> None:
        """This coordinator leads from now on: with the minimum, until the parent has granted to it."""
        place = self.place
        self.budget = SiteBudget.start(
            place.site,
            place.minimum_w,
            self.limit_w,
            secrets.randbits(62),
            self.clock(),
            place.lease_ns,
            fall_back_ns(self.node_lease_ns),
        )

    def follow(self) -> None:
        self.budget = None

    def root_limit_w(self, now_ns: int) -> float:
        """For the site's outermost group."""
        return min(self.limit_w, self.place.minimum_w) if self.budget is None else self.budget.root_limit_w(now_ns)

    def deferred_w(self, now_ns: int) -> float:
        """Load that may run anywhere and is to run here; 0 when the parent has not said so lately."""
        if self._deferred is None or now_ns >= self._deferred[1]:
            return 0.0
        return self._deferred[0].watts

    async def tell(self, control: BudgetControl) -> None:
        """What the site counts, draws and wants; a broker that is away is counted."""
        if self.budget is None:
            return
        now_ns = self.clock()
        control.ledger.count(now_ns)
        counted_w = control.ledger.sum_w(control.ledger.tree.root)
        report = self.budget.report(counted_w, control.wanted_w(), now_ns, control.drawn_w(now_ns))
        try:
            await self.bus.publish(report_topic(self.place.domain, self.place.site), encode(report))
        except BusError:
            self.unreached += 1

    def take(self, message: Message) -> Refusal | None:
        """A message from the parent's bus; None if it was believed, or is for another coordinator of the site."""
        if message.topic == deferred_topic(self.place.domain, self.place.site):
            return self._counted(self._defer(message))
        grant = Refusal.RETAINED if message.retained else read_grant(message.payload, node_of(message.topic))
        if isinstance(grant, Refusal):
            return self._counted(grant)
        if self.budget is None:
            return None
        return self._counted(self.budget.accept(grant, self.clock()))

    def _defer(self, message: Message) -> Refusal | None:
        found = Refusal.RETAINED if message.retained else read_deferred(message.payload, self.place.site)
        if isinstance(found, Refusal):
            return found
        self._deferred = found, self.clock() + round(found.for_s * SECOND_NS)
        return None

    def _counted(self, refusal: Refusal | None) -> Refusal | None:
        if refusal is not None:
            self.refused[refusal] = self.refused.get(refusal, 0) + 1
        return refusal

    async def _hear_all(self, pattern: str) -> None:
        async for message in self.bus.subscribe(pattern):
            self.take(message)
