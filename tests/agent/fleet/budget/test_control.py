# SPDX-License-Identifier: Apache-2.0
"""One coordinator's decisions, cycle by cycle, on nodes that do as they are told."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from agent.fleet.budget.bands import Band
from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.explain import Rule
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.ledger import Ledger
from agent.fleet.budget.tables import BudgetTable, GroupTable, NodeTable, PriorityName
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS

COUNT = 20
LIMIT_W = 4800.0
START_NS = 10**12


@dataclass
class Rack:
    """`COUNT` nodes that want `wanted_w` each; four fifths of their peaks fit."""

    priority: PriorityName = "production"
    wanted_w: float = 300.0
    limit_w: float = LIMIT_W
    falls_back: bool = True
    never: frozenset[str] | set[str] = frozenset()
    """Are not heard at all."""
    now_ns: int = START_NS
    control: BudgetControl = field(init=False)
    leases: dict[str, NodeLease] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(f"n{number}" for number in range(COUNT))
        nodes = dict.fromkeys(
            names, NodeTable(self.priority, base_w=100.0, peak_w=300.0, floor_w=100.0, falls_back=self.falls_back)
        )
        tree = build_tree(BudgetTable({"rack": GroupTable("rack", LIMIT_W, nodes=names)}, nodes))
        self.control = BudgetControl(Ledger(tree, 1, self.now_ns, 9 * SECOND_NS), random.Random(1))
        self.leases = {
            name: NodeLease(name, 100.0, 300.0, number + 1, self.now_ns) for number, name in enumerate(names)
        }

    @property
    def caps_w(self) -> dict[str, float]:
        return {name: lease.cap_w(self.now_ns) for name, lease in self.leases.items()}

    def cycle(self, deaf: str = "", broken: str = "") -> int:
        """Returns how many caps rose."""
        self.now_ns += 3 * SECOND_NS
        before = self.caps_w
        for name, lease in self.leases.items():
            lease.was_set(before[name], self.now_ns)
            lease.was_read(None if name == broken else before[name])
            lease.measured(min(self.wanted_w, before[name]), self.now_ns)
            if name != deaf and name not in self.never:
                self.control.ledger.hear(lease.report(self.now_ns), self.now_ns)
        for grant in self.control.step(self.now_ns, {"rack": self.limit_w}):
            assert self.leases[grant.node].accept(grant, self.now_ns) is None
        after = self.caps_w
        return sum(after[name] > before[name] + 1 for name in after)


def test_a_busy_rack_is_cut_to_its_target_and_stays_there() -> None:
    rack = Rack()
    for _ in range(20):
        rack.cycle()
    group = rack.control.groups["rack"]
    assert (group.band, group.latched) == (Band.HOLD, True)
    assert sum(rack.caps_w.values()) == pytest.approx(0.95 * LIMIT_W, rel=0.01)
    changes = rack.control.changes
    for _ in range(20):
        rack.cycle()
    assert rack.control.changes == changes, "nothing is changed between the bands"


def test_the_release_is_spread_by_chance() -> None:
    rack = Rack(limit_w=3000.0)
    for _ in range(20):
        rack.cycle()
    assert max(rack.caps_w.values()) < 160.0
    rack.wanted_w, rack.limit_w = 120.0, LIMIT_W
    rises = [rack.cycle() for _ in range(60)]
    assert rack.control.groups["rack"].latched is False
    assert min(rack.caps_w.values()) > 200.0
    assert max(rises) < COUNT * 3 // 4
    assert sum(count > 0 for count in rises) > 3


def test_a_node_without_proof_is_told_to_keep_its_base() -> None:
    rack = Rack(wanted_w=150.0)
    for _ in range(20):
        rack.cycle()
    assert rack.caps_w["n3"] > 100.0
    for _ in range(4):
        rack.cycle(broken="n3")
    assert rack.caps_w["n3"] == 100.0
    assert rack.control.ledger.counted_w("n3") >= 150.0 - 1


def test_quiet_nodes_are_only_renewed() -> None:
    rack = Rack(wanted_w=120.0)
    for _ in range(60):
        rack.cycle()
    changes, caps_w = rack.control.changes, rack.caps_w
    for _ in range(60):
        rack.cycle()
    assert rack.control.changes == changes
    assert rack.caps_w == caps_w


def test_when_bases_do_not_fit_there_is_an_alarm_and_nothing_above_base() -> None:
    rack = Rack()
    for _ in range(10):
        rack.cycle()
    assert rack.control.alarms() == []
    rack.limit_w = 1500.0
    for _ in range(15):
        rack.cycle()
    assert set(rack.caps_w.values()) == {100.0}
    assert rack.control.alarms() == ["rack: 2000 W counted, 1500 W allowed"]
    rack.limit_w = LIMIT_W
    for _ in range(15):
        rack.cycle()
    assert rack.control.alarms() == []
    assert min(rack.caps_w.values()) > 200.0


def test_a_silent_node_falls_back_and_the_others_keep_theirs() -> None:
    rack = Rack()
    for _ in range(20):
        rack.cycle()
    others_w = sum(rack.caps_w.values()) - rack.caps_w["n0"]
    for _ in range(30):
        rack.cycle(deaf="n0")
    assert rack.caps_w["n0"] == 100.0
    assert sum(rack.caps_w.values()) - 100.0 >= others_w - 1e-6
    assert sum(rack.caps_w.values()) <= LIMIT_W


def test_a_silent_node_that_nothing_holds_counts_with_its_peak_until_it_says_that_it_is_off() -> None:
    rack = Rack(falls_back=False, limit_w=3000.0)
    leaving: set[str] = set()
    rack.control.ledger.leaving = leaving
    for _ in range(20):
        rack.cycle()
    for _ in range(30):
        rack.cycle(deaf="n0")
    assert rack.control.ledger.counted_w("n0") == 300.0
    assert rack.control.why("n0", rack.now_ns).rule is Rule.LOST
    assert sum(rack.caps_w.values()) - rack.caps_w["n0"] <= 3000.0 - 300.0 + 1e-6
    leaving.add("n0")
    for _ in range(30):
        rack.cycle(deaf="n0")
    assert rack.control.ledger.counted_w("n0") == 100.0
    assert rack.control.why("n0", rack.now_ns).rule is Rule.OFF
    assert rack.control.alarms() == []


def test_half_a_hall_that_sleeps_leaves_its_watts_to_the_other_half() -> None:
    rack = Rack(falls_back=False)
    asleep = {f"n{number}" for number in range(COUNT // 2)}
    rack.control.ledger.leaving = asleep
    rack.control.ledger.are_off(asleep)
    rack.never = asleep
    for _ in range(40):
        rack.cycle()
    assert not rack.control.groups["rack"].unreadable, "who sleeps is not silent"
    assert min(cap_w for name, cap_w in rack.caps_w.items() if name not in asleep) == 300.0
    assert rack.control.alarms() == []


def test_a_limit_that_falls_by_a_trifle_is_kept() -> None:
    rack = Rack(wanted_w=120.0)
    for _ in range(60):
        rack.cycle()
    rack.limit_w = 0.97 * LIMIT_W
    for _ in range(4):
        rack.cycle()
    assert sum(rack.caps_w.values()) <= rack.limit_w + 1e-6
    assert rack.control.alarms() == []
