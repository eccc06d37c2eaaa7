# SPDX-License-Identifier: Apache-2.0
"""Nodes, two coordinators and a network that does what it likes, step by step in true time.

The world knows what every machine really may draw; what the ledgers believe is compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.lease import LEASE_NS, SETTLE_NS, NodeLease
from agent.fleet.budget.ledger import DRIFT, Ledger, at_most_ns
from agent.fleet.budget.messages import Grant, Report, encode, read_grant, read_report
from agent.fleet.budget.tables import BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    import random

    from agent.fleet.budget.tree import BudgetTree, Node

STEP_NS = SECOND_NS // 2
CYCLE_NS = 3 * SECOND_NS
LEAD_NS = 10 * SECOND_NS
ROUNDING_W = 1e-6


def small_tree(limits_w: tuple[float, float, float] = (1150.0, 600.0, 700.0), falls_back: bool = True) -> BudgetTree:
    """Two racks of three in a room; each limit is below what its nodes could draw."""
    nodes = {
        f"n{number}": NodeTable(
            ("critical", "production", "research")[number % 3],
            base_w=100.0,
            peak_w=300.0 + 10 * number,
            falls_back=falls_back,
        )
        for number in range(6)
    }
    return build_tree(
        BudgetTable(
            {
                "room": GroupTable("room", limits_w[0], groups=("r0", "r1")),
                "r0": GroupTable("rack", limits_w[1], nodes=("n0", "n1", "n2")),
                "r1": GroupTable("rack", limits_w[2], nodes=("n3", "n4", "n5")),
            },
            nodes,
        )
    )


@dataclass(slots=True)
class Clock:
    """Off by anything, faster or slower by what is allowed."""

    offset_ns: int
    rate: float

    def at(self, true_ns: int) -> int:
        return self.offset_ns + round(true_ns * self.rate)


@dataclass(slots=True)
class Machine:
    """`kept_w` is what the hardware really keeps; it follows what the agent sets after a while."""

    node: Node
    clock: Clock
    lease: NodeLease
    kept_w: float
    asked_w: float
    due_ns: int = 0
    alive: bool = True
    broken: bool = False
    next_report_ns: int = 0


@dataclass(slots=True)
class Coordinator:
    clock: Clock
    ledger: Ledger | None = None
    control: BudgetControl | None = None
    lead_until_ns: int = 0
    paused_until_ns: int = 0
    next_cycle_ns: int = 0


@dataclass(slots=True)
class World:
    """All chances come from `chance`; `tree` is shared."""

    chance: random.Random
    loss: float
    duplication: float
    most_delay_ns: int
    trouble: float
    """How likely in a step that something restarts, pauses or breaks."""
    may_break: bool = False
    real_control: bool = False
    """Decide as the coordinator does, not at random."""
    tree: BudgetTree = field(default_factory=small_tree)
    now_ns: int = 0
    machines: dict[str, Machine] = field(init=False)
    coordinators: list[Coordinator] = field(init=False)
    mail: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    leader: int | None = None
    term: int = 0
    lead_until_ns: int = 0
    granted_above_base: int = 0
    takeovers: int = 0

    def __post_init__(self) -> None:
        self.machines = {}
        for name, node in self.tree.nodes.items():
            clock = self._clock()
            self.machines[name] = Machine(node, clock, self._start(node, clock), node.base_w, node.base_w)
        self.coordinators = [Coordinator(self._clock()) for _ in range(2)]

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.now_ns += STEP_NS
            self._disturb()
            self._deliver()
            for machine in self.machines.values():
                self._live(machine)
            for number, coordinator in enumerate(self.coordinators):
                if self.now_ns >= coordinator.paused_until_ns:
                    self._coordinate(number, coordinator)
            self.check()

    def check(self) -> None:
        """What the machines keep is within every limit; what is broken counts with its base."""
        for name, group in self.tree.groups.items():
            kept_w = 0.0
            for node in self.tree.nodes_below(name):
                machine = self.machines[node.name]
                kept_w += node.base_w if machine.broken else machine.kept_w
            assert kept_w <= group.limit_w + ROUNDING_W, f"{name} keeps {kept_w} W of {group.limit_w} W"

    def _clock(self) -> Clock:
        return Clock(self.chance.randrange(10**15), 1 + self.chance.uniform(-DRIFT, DRIFT))

    def _start(self, node: Node, clock: Clock) -> NodeLease:
        return NodeLease(node.name, node.base_w, node.peak_w, self.chance.getrandbits(62), clock.at(self.now_ns))

    def _send(self, kind: str, to: str, message: Report | Grant) -> None:
        for _ in range(2 if self.chance.random() < self.duplication else 1):
            if self.chance.random() >= self.loss:
                due_ns = self.now_ns + self.chance.randint(0, self.most_delay_ns)
                self.mail.append((due_ns, kind, to, encode(message)))

    def _deliver(self) -> None:
        due = [one for one in self.mail if one[0] <= self.now_ns]
        self.mail = [one for one in self.mail if one[0] > self.now_ns]
        self.chance.shuffle(due)
        for _, kind, name, payload in due:
            if kind == "grant":
                machine = self.machines[name]
                grant = read_grant(payload, name)
                assert isinstance(grant, Grant)
                if machine.alive:
                    machine.lease.accept(grant, machine.clock.at(self.now_ns))
            else:
                report = read_report(payload, name)
                assert isinstance(report, Report)
                for coordinator in self.coordinators:
                    if coordinator.ledger is not None and self.now_ns >= coordinator.paused_until_ns:
                        coordinator.ledger.hear(report, coordinator.clock.at(self.now_ns))

    def _disturb(self) -> None:
        if self.chance.random() < self.trouble:
            machine = self.chance.choice(list(self.machines.values()))
            machine.alive = not machine.alive
            if machine.alive:
                machine.lease = self._start(machine.node, machine.clock)
        if self.chance.random() < self.trouble:
            coordinator = self.chance.choice(self.coordinators)
            if self.chance.random() < 0.5:
                coordinator.ledger = None
            coordinator.paused_until_ns = self.now_ns + self.chance.randint(0, 4 * LEAD_NS)
        if self.may_break and self.chance.random() < self.trouble / 4:
            self.chance.choice(list(self.machines.values())).broken = True

    def _live(self, machine: Machine) -> None:
        local_ns = machine.clock.at(self.now_ns)
        due_w = machine.lease.cap_w(local_ns)
        falls_back = machine.node.falls_back and due_w == machine.node.base_w  # what guards it without its agent
        if machine.alive or falls_back:
            self._set(machine, due_w)
        if self.now_ns >= machine.due_ns and not machine.broken:
            machine.kept_w = machine.asked_w
        if not machine.alive:
            return
        machine.lease.was_set(due_w, local_ns)
        machine.lease.was_read(machine.kept_w if self.now_ns >= machine.due_ns else None)
        machine.lease.measured(machine.kept_w * self.chance.uniform(0.5, 1.0), local_ns)
        if self.now_ns >= machine.next_report_ns:
            machine.next_report_ns = self.now_ns + self.chance.randint(STEP_NS, CYCLE_NS)
            self._send("report", machine.node.name, machine.lease.report(local_ns))

    def _set(self, machine: Machine, cap_w: float) -> None:
        if cap_w != machine.asked_w:
            machine.asked_w = cap_w
            machine.due_ns = self.now_ns + self.chance.randint(0, SETTLE_NS - SECOND_NS)

    def _coordinate(self, number: int, coordinator: Coordinator) -> None:
        local_ns = coordinator.clock.at(self.now_ns)
        if self.leader == number or self.now_ns >= self.lead_until_ns:
            if self.chance.random() < self.loss:
                pass  # the broker was not reached
            else:
                if self.leader != number or self.now_ns >= self.lead_until_ns or coordinator.ledger is None:
                    if self.leader is not None and self.leader != number:
                        self.takeovers += 1
                    self.term += 1
                    self.leader = number
                    coordinator.ledger = Ledger(self.tree, self.term, local_ns, 3 * CYCLE_NS)
                    coordinator.control = BudgetControl(coordinator.ledger, self.chance)
                self.lead_until_ns = self.now_ns + LEAD_NS
                coordinator.lead_until_ns = local_ns + round(LEAD_NS * (1 - 2 * DRIFT))
        if coordinator.ledger is None or self.now_ns < coordinator.next_cycle_ns:
            return
        if local_ns >= coordinator.lead_until_ns:
            return
        coordinator.next_cycle_ns = self.now_ns + CYCLE_NS
        if self.real_control and coordinator.control is not None:
            limits_w = {name: group.limit_w for name, group in self.tree.groups.items()}
            for grant in coordinator.control.step(local_ns, limits_w):
                self._enter(grant)
                self._send("grant", grant.node, grant)
            broken = any(machine.broken for machine in self.machines.values())
            # a cap that is changed again before it was read back counts as unproven: then an alarm is right
            accounts = coordinator.ledger.accounts.values()
            broken = broken or any(one.unproven for account in accounts for one in account.sessions.values())
            # a node that is lost without a word counts with its peak, which nobody made room for: the same
            broken = broken or not all(account.node.falls_back for account in accounts)
            if not broken and local_ns > self.settled_ns(coordinator):
                assert not [one for one in coordinator.control.alarms() if "counted" in one]
        else:
            self._decide(coordinator.ledger, local_ns)
        self._compare(coordinator.ledger, local_ns)

    def _decide(self, ledger: Ledger, local_ns: int) -> None:
        """As badly as possible: any cap for anyone in any order."""
        ledger.count(local_ns)
        limits_w = {name: group.limit_w for name, group in self.tree.groups.items()}
        names = list(self.tree.nodes)
        self.chance.shuffle(names)
        for name in names:
            grant: Grant | None
            if not ledger.known(name, local_ns):
                grant = ledger.fence(name)
            elif self.chance.random() < 0.8:
                grant = ledger.grant(name, self.chance.uniform(0, 400), limits_w, local_ns)
            else:
                continue
            if grant is not None:
                self._enter(grant)
                self._send("grant", name, grant)

    def settled_ns(self, coordinator: Coordinator) -> int:
        """From then on nothing that another coordinator sent is in force."""
        assert coordinator.ledger is not None
        return coordinator.ledger.since_ns + at_most_ns(LEASE_NS)

    def _enter(self, grant: Grant) -> None:
        if grant.cap_w is not None and grant.cap_w > self.tree.nodes[grant.node].base_w:
            self.granted_above_base += 1

    def _compare(self, ledger: Ledger, local_ns: int) -> None:
        """What is counted beside what is kept."""
        for name, machine in self.machines.items():
            if ledger.known(name, local_ns) and not machine.broken:
                assert ledger.counted_w(name) >= machine.kept_w - ROUNDING_W, f"{name} keeps more than is counted"
