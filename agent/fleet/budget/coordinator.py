# SPDX-License-Identifier: Apache-2.0
"""One coordinator on the bus: it hears all reports, and while it leads it decides once a cycle and sends leases.

Any number may run; the one that holds the lease leads. One that waits hears the same reports, so that its first cycle
as leader already tells every node. Nothing here decides about watts.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.emergencies.emergency import EmergencyDesk
from agent.fleet.budget.emergencies.emergency_face import EmergencyFace
from agent.fleet.budget.emergencies.emergency_messages import emergencies_of
from agent.fleet.budget.lease import IMPOSSIBLE
from agent.fleet.budget.ledger import Ledger, at_most_ns
from agent.fleet.budget.messages import Refusal, Report, Revision, encode, read_report
from agent.fleet.budget.sites.deferrable import read_deferred, read_wish
from agent.fleet.budget.sleepers import Sleepers, patterns_of
from agent.fleet.budget.timing import BEAT_S, LEAD_S, Timing
from agent.fleet.budget.topics import cap_topic, deferred_topic, lead_lease, node_of, reports_of, wish_topic
from agent.fleet.bus import SECOND_NS, BusError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from agent.fleet.budget.explain import Why
    from agent.fleet.budget.reallocation import Reallocation
    from agent.fleet.budget.sites.deferrable import Placement
    from agent.fleet.budget.sites.site_link import SiteLink
    from agent.fleet.budget.tree import BudgetTree
    from agent.fleet.bus import Bus, Lease, Message

log = logging.getLogger(__name__)

FAILURES_TOLD = 2
"""At its start it looks once before it is connected."""
HIGHEST_TERM = 2**48
"""A node that tells of a higher one is not believed: terms must not come to their end."""


@dataclass(slots=True)
class Coordinator:
    """`clock` is monotonic, in ns; `chance` is seeded. Runs on the asyncio loop; `look` may also be called by hand."""

    bus: Bus
    tree: BudgetTree
    domain: str
    clock: Callable[[], int]
    chance: random.Random
    timing: Timing = field(default_factory=Timing)
    lead_s: float = LEAD_S
    parent: SiteLink | None = None
    """Where a parent gives the outermost group its budget."""
    placement: Placement | None = None
    """Where this is a parent that has load which may run at any site."""
    reallocation: Reallocation | None = None
    refused: dict[Refusal, int] = field(default_factory=dict)
    beaten: Callable[[], None] = lambda: None
    """Called by `run` at each look, so that somebody may notice when it hangs."""
    unreached: int = 0
    """Calls that the broker did not answer."""
    trouble: str = ""
    """Why the lead cannot be asked for, since the last time that it could not."""
    control: BudgetControl | None = None
    segments: tuple[str, ...] = ()
    """Whose nodes say when they sleep; the domain, unless given."""
    desk: EmergencyDesk = field(init=False)
    emergencies: EmergencyFace = field(init=False)
    sleepers: Sleepers = field(init=False)
    _lease: Lease | None = None
    _failures: int = 0
    """One after the other, to ask for the lead."""
    _due_ns: int = 0
    _heard: dict[str, tuple[Report, int]] = field(default_factory=dict)
    _impossible: dict[str, Refusal] = field(default_factory=dict)
    """Why the last report of a node was refused, if it was not late."""
    _highest: Revision = field(default_factory=Revision)
    """That any node obeys: a broker may have lost its memory, or another one of our name leads."""

    def __post_init__(self) -> None:
        self.desk = EmergencyDesk(self.tree)
        self.emergencies = EmergencyFace(self.bus, self.domain, self.desk)
        self.sleepers = Sleepers(self.tree.nodes)

    @property
    def leads(self) -> bool:
        """By this process's own clock: a pause ends it."""
        return self._lease is not None and self.clock() < self._lease.until_ns

    @property
    def beat_s(self) -> float:
        return min(BEAT_S, self.lead_s / 3)

    async def run(self) -> None:
        """Until cancelled."""
        hearing = asyncio.create_task(self._listen())
        try:
            while not hearing.done():
                await self.look()
                self.beaten()
                left_s = (self._due_ns - self.clock()) / SECOND_NS if self.leads else self.beat_s
                await asyncio.sleep(min(max(left_s, 0.0), self.beat_s))
        finally:
            hearing.cancel()
            with suppress(asyncio.CancelledError, BusError):
                await hearing

    async def look(self) -> int:
        """Take or renew the lead; if it is ours and a cycle is over, decide and send.

        To be called every `beat_s`, and at the end of each cycle. Returns how many leases were sent.
        """
        before = self.control
        control = await self._keep_lead()
        now_ns = self.clock()
        if control is None:
            return 0
        if control is before and now_ns < self._due_ns:
            await self._tell_parent(control)
            return 0
        answered_ns = round(self.beat_s * SECOND_NS)  # a new leader goes on when the nodes have answered
        self._due_ns = now_ns + (self.timing.cycle_ns if control is before else min(self.timing.cycle_ns, answered_ns))
        return await self._decide(control, now_ns)

    async def _keep_lead(self) -> BudgetControl | None:
        """None if it is another one's."""
        try:
            lease = await self.bus.lease(lead_lease(self.domain), self.lead_s, above=self._foreign_term())
            self.trouble, self._failures = "", 0
        except BusError as error:
            self.unreached += 1
            self.trouble = str(error)
            self._failures += 1
            if self._failures == FAILURES_TOLD:
                log.warning("coordinator of %s cannot ask for the lead: %s", self.domain, error)
            lease = self._lease
        now_ns = self.clock()
        if lease is None or now_ns >= lease.until_ns:
            self._follow()
            return None
        if self.control is None or self._lease is None or lease.revision != self._lease.revision:
            self.control = self._take_over(lease.revision)
        self._lease = lease
        return self.control

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
                self._highest = max(self._highest, report.revision)
            if self.control is not None:
                refusal = self.control.ledger.hear(report, now_ns)
                self._note(report.node, refusal)
            if refusal is None:
                self._heard[report.node] = (report, now_ns)
                self.sleepers.powered(report.node, report.session)
        return self._counted(refusal)

    def hear_of_sleep(self, message: Message) -> Refusal | None:
        """Enter what a node says of going to sleep; None if it was believed."""
        return self._counted(self.sleepers.hear(message, self.clock()))

    def hear_emergency(self, message: Message) -> Refusal | None:
        """Enter an emergency; None if it was believed."""
        return self._counted(self.emergencies.hear(message, self.clock()))

    def hear_wish(self, message: Message) -> Refusal | None:
        """Enter how much load may run anywhere, retained or not; None if it was believed."""
        found = read_wish(message.payload)
        if isinstance(found, Refusal):
            return self._counted(found)
        unknown = found.costs.keys() - self.tree.nodes.keys()
        if self.placement is not None and not unknown:
            self.placement.wished(found)
        return self._counted(Refusal.UNKNOWN_NODE if unknown else None)

    def hear_placed(self, message: Message) -> Refusal | None:
        """Enter what the leader told a site, for the time after it."""
        found = Refusal.RETAINED if message.retained else read_deferred(message.payload, node_of(message.topic))
        if isinstance(found, Refusal):
            return self._counted(found)
        if self.placement is not None and self.control is None and found.site in self.tree.nodes:
            self.placement.heard(found)
        return None

    def _note(self, node: str, refusal: Refusal | None) -> None:
        """Late reports come and go; what a node with other numbers says is refused each time."""
        if refusal in IMPOSSIBLE:
            self._impossible[node] = refusal
        elif refusal is None:
            self._impossible.pop(node, None)

    def _counted(self, refusal: Refusal | None) -> Refusal | None:
        if refusal is not None:
            self.refused[refusal] = self.refused.get(refusal, 0) + 1
        return refusal

    def explain(self, node: str) -> Why | None:
        """None while another one leads. Raises KeyError for an unknown node."""
        self.tree.nodes[node]
        if self.control is None:
            return None
        now_ns = self.clock()
        why = self.control.why(node, now_ns)
        refusal = self._impossible.get(node)
        return replace(
            why,
            full_limit_w=self.tree.groups[why.group].limit_w,
            taken_by=self._takers(why.group, now_ns),
            refused="" if refusal is None else refusal.value,
        )

    def _takers(self, group: str, now_ns: int) -> tuple[str, ...]:
        """What leaves less of a group's limit than the file says."""
        takers = tuple(
            f"the {one.kind.value} emergency"
            for one in self.desk.running.values()
            if one.group == group and one.share < 1
        )
        full_w = self.tree.groups[group].limit_w
        return takers if self.limits_w(now_ns)[group] >= full_w else ("the parent", *takers)

    def limits_w(self, now_ns: int) -> dict[str, float]:
        """Of every group, before what emergencies take."""
        limits_w = {name: group.limit_w for name, group in self.tree.groups.items()}
        if self.parent is not None:
            limits_w[self.tree.root] = min(limits_w[self.tree.root], self.parent.root_limit_w(now_ns))
        return limits_w

    async def _listen(self) -> None:
        """Until cancelled, or until one of the subscriptions ends."""
        wanted = [(reports_of(self.domain), self.hear), (emergencies_of(self.domain), self.hear_emergency)]
        for segment in self.segments or (self.domain,):
            wanted += [(pattern, self.hear_of_sleep) for pattern in patterns_of(segment)]
        if self.placement is not None:
            wanted += [(wish_topic(self.domain), self.hear_wish), (deferred_topic(self.domain, "+"), self.hear_placed)]
        tasks = [asyncio.create_task(self._hear_all(pattern, take)) for pattern, take in wanted]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear_all(self, pattern: str, take: Callable[[Message], Refusal | None]) -> None:
        async for message in self.bus.subscribe(pattern):
            take(message)

    def _foreign_term(self) -> int:
        """The term of the highest revision that a node obeys, if we did not give it; else 0."""
        ours = self.control.ledger.last if self.control is not None else Revision()
        return self._highest.term if self._highest > ours else 0

    def _follow(self) -> None:
        """Lead no more."""
        if self.control is not None:
            log.warning("coordinator of %s: leads no more (term %d)", self.domain, self.control.ledger.term)
        self._lease, self.control = None, None
        if self.parent is not None:
            self.parent.follow()

    def _take_over(self, term: int) -> BudgetControl:
        self.desk.take_over()
        if self.parent is not None:
            self.parent.lead()
        log.info("coordinator of %s: leads now, with term %d", self.domain, term)
        timing = self.timing
        ledger = Ledger(self.tree, term, self.clock(), timing.silent_ns, timing.lease_ns, leaving=self.sleepers.leaving)
        for report, heard_ns in self._heard.values():
            ledger.hear(report, heard_ns)
        return BudgetControl(ledger, self.chance)

    async def _decide(self, control: BudgetControl, now_ns: int) -> int:
        limits_w = self.limits_w(now_ns)
        control.ledger.are_off(self.sleepers.off(now_ns, at_most_ns(control.ledger.lease_ns)))
        accounts = control.ledger.accounts
        for name, group in control.groups.items():
            if group.watts > 0:  # what a parent takes is no emergency: ordinary control gives it back
                self.desk.power(name, group.read_w, group.watts, self.tree.groups[name].limit_w, now_ns)
        watts = {name: one.report.watts for name, one in accounts.items() if one.report is not None}
        self.desk.expire(now_ns)
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
        await self._tell_parent(control)
        await self._place(control, now_ns)
        return sent

    async def _tell_parent(self, control: BudgetControl) -> None:
        if self.parent is not None:
            await self.parent.tell(control)

    async def _place(self, control: BudgetControl, now_ns: int) -> None:
        for deferred in self.placement.step(control, now_ns) if self.placement is not None else ():
            try:
                payload = msgspec.json.encode(deferred)
                await self.bus.publish(deferred_topic(self.domain, deferred.site), payload, qos=1)
            except BusError:
                self.unreached += 1
