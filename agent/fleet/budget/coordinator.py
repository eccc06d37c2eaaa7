# SPDX-License-Identifier: Apache-2.0
"""One coordinator on the bus: it hears all reports, and while it leads it decides once a cycle and sends leases.

Any number may run; the one that holds the lease leads. One that waits hears the same reports, so that its first cycle
as leader already tells every node. Nothing here decides about watts.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.emergency import EmergencyDesk
from agent.fleet.budget.ledger import Ledger
from agent.fleet.budget.messages import Refusal, Report, encode, read_report
from agent.fleet.budget.topics import cap_topic, lead_lease, node_of, reports_of
from agent.fleet.bus import SECOND_NS, BusError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from agent.fleet.budget.explain import Why
    from agent.fleet.budget.reallocation import Reallocation
    from agent.fleet.budget.sites import SiteBudget
    from agent.fleet.budget.tree import BudgetTree
    from agent.fleet.bus import Bus, Lease, Message

log = logging.getLogger(__name__)

CYCLE_S = 3.0
LEAD_S = 10.0
"""How long the others wait for a leader that is gone."""
FOLLOW_S = 0.5
"""Who waits asks so often for the lead, so that it takes it as soon as the other one has lost it."""
SILENT_CYCLES = 3
HIGHEST_TERM = 2**48
"""A node that tells of a higher one is not believed: terms must not come to their end."""


@dataclass(slots=True)
class Coordinator:
    """`clock` is monotonic, in ns; `chance` is seeded. Runs on the asyncio loop; `cycle` may also be called by hand."""

    bus: Bus
    tree: BudgetTree
    domain: str
    clock: Callable[[], int]
    chance: random.Random
    cycle_s: float = CYCLE_S
    lead_s: float = LEAD_S
    site: SiteBudget | None = None
    """Where a parent gives the outermost group its budget."""
    reallocation: Reallocation | None = None
    refused: dict[Refusal, int] = field(default_factory=dict)
    unreached: int = 0
    """Calls that the broker did not answer."""
    control: BudgetControl | None = None
    desk: EmergencyDesk = field(init=False)
    _lease: Lease | None = None
    _heard: dict[str, tuple[Report, int]] = field(default_factory=dict)
    _highest_term: int = 0
    """That any node obeys: a broker may have lost its memory."""

    def __post_init__(self) -> None:
        self.desk = EmergencyDesk(self.tree)

    @property
    def leads(self) -> bool:
        """By this process's own clock: a pause ends it."""
        return self._lease is not None and self.clock() < self._lease.until_ns

    async def run(self) -> None:
        """Until cancelled."""
        hearing = asyncio.create_task(self._listen())
        try:
            while not hearing.done():
                await self.cycle()
                await asyncio.sleep(self.cycle_s if self.leads else min(self.cycle_s, FOLLOW_S))
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError, BusError):
                await hearing

    async def cycle(self) -> int:
        """Take or renew the lead; if it is ours, decide and send. Returns how many leases were sent."""
        try:
            lease = await self.bus.lease(lead_lease(self.domain), self.lead_s, above=self._foreign_term())
        except BusError:
            self.unreached += 1
            lease = self._lease
        now_ns = self.clock()
        if lease is None or now_ns >= lease.until_ns:
            self._follow()
            return 0
        if self.control is None or self._lease is None or lease.revision != self._lease.revision:
            self.control = self._take_over(lease.revision)
        self._lease = lease
        return await self._decide(self.control, now_ns)

    def hear(self, message: Message) -> Refusal | None:
        """Enter a message from the bus; None if it was believed."""
        node = node_of(message.topic)
        refusal: Refusal | None = None
        report = Refusal.RETAINED if message.retained else read_report(message.payload, node)
        now_ns = self.clock()
        if isinstance(report, Refusal):
            refusal = report
        elif report.node not in self.tree.nodes:
            refusal = Refusal.UNKNOWN_NODE
        else:
            if report.revision.term <= HIGHEST_TERM:
                self._highest_term = max(self._highest_term, report.revision.term)
            if self.control is not None:
                refusal = self.control.ledger.hear(report, now_ns)
            if refusal is None:
                self._heard[report.node] = (report, now_ns)
        if refusal is not None:
            self.refused[refusal] = self.refused.get(refusal, 0) + 1
        return refusal

    def explain(self, node: str) -> Why | None:
        """None while another one leads. Raises KeyError for an unknown node."""
        self.tree.nodes[node]
        return self.control.why(node, self.clock()) if self.control is not None else None

    def limits_w(self, now_ns: int) -> dict[str, float]:
        """Of every group, before what emergencies take."""
        limits_w = {name: group.limit_w for name, group in self.tree.groups.items()}
        if self.site is not None:
            limits_w[self.tree.root] = min(limits_w[self.tree.root], self.site.root_limit_w(now_ns))
        return limits_w

    async def _listen(self) -> None:
        async for message in self.bus.subscribe(reports_of(self.domain)):
            self.hear(message)

    def _foreign_term(self) -> int:
        """The highest term that a node obeys, if it is not ours; else 0."""
        ours = self._lease.revision if self._lease is not None else 0
        return self._highest_term if self._highest_term > ours else 0

    def _follow(self) -> None:
        """Lead no more."""
        if self.control is not None:
            log.warning("coordinator of %s: leads no more (term %d)", self.domain, self.control.ledger.term)
        self._lease, self.control = None, None

    def _take_over(self, term: int) -> BudgetControl:
        log.info("coordinator of %s: leads now, with term %d", self.domain, term)
        silent_ns = round(SILENT_CYCLES * self.cycle_s * SECOND_NS)
        ledger = Ledger(self.tree, term, self.clock(), silent_ns)
        for report, heard_ns in self._heard.values():
            ledger.hear(report, heard_ns)
        return BudgetControl(ledger, self.chance)

    async def _decide(self, control: BudgetControl, now_ns: int) -> int:
        limits_w = self.limits_w(now_ns)
        accounts = control.ledger.accounts
        for name, group in control.groups.items():
            if group.watts > 0:
                self.desk.power(name, group.read_w, group.watts, limits_w[name], now_ns)
        watts = {name: one.report.watts for name, one in accounts.items() if one.report is not None}
        left_w = self.desk.limits_w(limits_w)
        ceilings_w = self.desk.ceilings_w(watts, limits_w, now_ns)
        moves_w = self.reallocation.moves_w(accounts) if self.reallocation is not None else None
        grants = control.step(now_ns, left_w, ceilings_w, moves_w)
        ledger = control.ledger
        counted_w = {name: ledger.counted_w(name) for name in ceilings_w}
        self.desk.settle(counted_w, {name: ledger.sum_w(name) for name in self.tree.groups}, left_w, now_ns)
        sent = 0
        for grant in grants:
            try:
                await self.bus.publish(cap_topic(self.domain, grant.node), encode(grant), qos=1)
                sent += 1
            except BusError:
                self.unreached += 1
        return sent
