# SPDX-License-Identifier: Apache-2.0
"""Who caps the plant: nobody, everybody by the same part, or the real ledger, control and leases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.ledger import Ledger
from agent.fleet.budget.messages import Grant, Report
from agent.fleet.budget.tables import BandTable, BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.timing import DEFAULT_LEASE_S, REPORT_S, Timing
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS
from bench.fleet.plant import NO_CAP_W

if TYPE_CHECKING:
    import random

    from bench.fleet.plant import Plant

RACK = 20
RACK_OVERSUBSCRIPTION = 1.05
"""Racks have more room than the site."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the network and the coordinator go through."""

    oversubscription: float = 1.25
    cycle_s: int = 3
    latency_s: int = 0
    loss: float = 0.0
    outage_s: int = 0
    """So long no coordinator runs, from a moment before the surge."""
    deaf: float = 0.0
    """The part of nodes whose reports stop at the surge (their sensors are stuck)."""
    grid_drop: float = 0.0
    """By so much the limit falls in the midst of the surge."""

    @property
    def timing(self) -> Timing:
        """Leases as short as the cycle allows, 30 s at least."""
        least = Timing(self.cycle_s).least_lease_s
        return Timing(self.cycle_s, max(least, DEFAULT_LEASE_S))


class Policy(Protocol):
    """Sets caps of the plant's machines."""

    @property
    def changes(self) -> int:
        """Caps that were changed."""

    def act(self, now_s: int, total_w: float, limit_w: float) -> None:
        """Once a second."""


@dataclass(slots=True)
class Nobody:
    changes: int = 0

    def act(self, now_s: int, total_w: float, limit_w: float) -> None:
        pass


@dataclass(slots=True)
class Uniform:
    """All by the same part: the usual remedy, without priorities."""

    plant: Plant
    conditions: Conditions
    changes: int = 0
    bands: BandTable = field(default_factory=BandTable)
    _capped: bool = False

    def act(self, now_s: int, total_w: float, limit_w: float) -> None:
        if now_s % self.conditions.cycle_s:
            return
        if total_w >= self.bands.cap * limit_w:
            share = self.bands.target * limit_w / total_w
            for machine in self.plant.machines:
                machine.cap_w = machine.watts * share
            self._capped = True
            self.changes += len(self.plant.machines)
        elif self._capped and total_w < self.bands.release * limit_w:
            for machine in self.plant.machines:
                machine.cap_w = NO_CAP_W
            self._capped = False
            self.changes += len(self.plant.machines)


def bench_table(plant: Plant, oversubscription: float) -> BudgetTable:
    """One site, racks of `RACK` machines."""
    nodes = {
        machine.name: NodeTable(
            machine.priority.name.lower(),  # type: ignore[arg-type]
            base_w=machine.idle_w,
            peak_w=machine.peak_w,
            falls_back=True,  # agents live on; only messages are lost
        )
        for machine in plant.machines
    }
    racks: dict[str, GroupTable] = {}
    for first in range(0, len(plant.machines), RACK):
        members = plant.machines[first : first + RACK]
        peak_w = sum(machine.peak_w for machine in members)
        racks[f"rack{first // RACK}"] = GroupTable(
            "rack", peak_w / RACK_OVERSUBSCRIPTION, nodes=tuple(machine.name for machine in members)
        )
    site = GroupTable("site", plant.peaks_w / oversubscription, groups=tuple(racks))
    return BudgetTable({"site": site, **racks}, nodes)


@dataclass(slots=True)
class Ours:
    """The code of the agent; only the way of the messages is made up."""

    plant: Plant
    conditions: Conditions
    chance: random.Random
    control: BudgetControl = field(init=False)
    leases: dict[str, NodeLease] = field(init=False)
    messages: int = 0
    _mail: list[tuple[int, Report | Grant]] = field(default_factory=list)
    _term: int = 1
    _was_out: bool = False

    def __post_init__(self) -> None:
        self.leases = {
            machine.name: NodeLease(
                machine.name, machine.idle_w, machine.peak_w, number + 1, 0, self.conditions.timing.lease_ns
            )
            for number, machine in enumerate(self.plant.machines)
        }
        self._lead(0)

    @property
    def changes(self) -> int:
        return self.control.changes

    def act(self, now_s: int, total_w: float, limit_w: float) -> None:
        now_ns = now_s * SECOND_NS
        surge_s = int(self.plant.surge_s)
        out = surge_s - 10 <= now_s < surge_s - 10 + self.conditions.outage_s
        if self._was_out and not out:
            self._term += 1
            changes = self.control.changes
            self._lead(now_ns)
            self.control.changes = changes
        self._was_out = out
        self._deliver(now_s, out)
        for number, machine in enumerate(self.plant.machines):
            lease = self.leases[machine.name]
            machine.cap_w = lease.cap_w(now_ns)
            lease.was_set(machine.cap_w, now_ns)
            lease.was_read(machine.cap_w)
            deaf = now_s >= surge_s and number < self.conditions.deaf * len(self.plant.machines)
            if (now_s + number) % min(self.conditions.cycle_s, REPORT_S) == 0 and not deaf:
                lease.measured(machine.watts, now_ns)
                self._send(now_s, lease.report(now_ns))
        if now_s % self.conditions.cycle_s == 0 and not out:
            limits_w = {name: group.limit_w for name, group in self.control.ledger.tree.groups.items()}
            limits_w["site"] = limit_w
            for grant in self.control.step(now_ns, limits_w):
                self._send(now_s, grant)

    def _lead(self, now_ns: int) -> None:
        tree = build_tree(bench_table(self.plant, self.conditions.oversubscription))
        timing = self.conditions.timing
        silent_ns = timing.silent_ns + 2 * self.conditions.latency_s * SECOND_NS
        ledger = Ledger(tree, self._term, now_ns, silent_ns, timing.lease_ns)
        self.control = BudgetControl(ledger, self.chance)

    def _send(self, now_s: int, message: Report | Grant) -> None:
        self.messages += 1
        if self.chance.random() >= self.conditions.loss:
            late_s = self.chance.randint(0, self.conditions.latency_s)
            self._mail.append((now_s + late_s, message))

    def _deliver(self, now_s: int, out: bool) -> None:
        due = [message for due_s, message in self._mail if due_s <= now_s]
        self._mail = [one for one in self._mail if one[0] > now_s]
        for message in due:
            if isinstance(message, Grant):
                self.leases[message.node].accept(message, now_s * SECOND_NS)
            elif not out:
                self.control.ledger.hear(message, now_s * SECOND_NS)
