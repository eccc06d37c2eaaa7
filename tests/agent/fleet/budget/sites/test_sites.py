# SPDX-License-Identifier: Apache-2.0
"""A parent over sites: the same promise one level up, and each site safe alone; and the policy by efficiency."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.budget.control import BudgetControl
from agent.fleet.budget.lease import LEASE_NS, NodeLease
from agent.fleet.budget.ledger import Ledger, at_most_ns
from agent.fleet.budget.messages import Grant, Refusal, Revision
from agent.fleet.budget.reallocation import Reallocation
from agent.fleet.budget.sites.deferrable import SiteRoom, place
from agent.fleet.budget.sites.sites import FALL_BACK_NS, SITE_LEASE_NS, SiteBudget
from agent.fleet.budget.tables import BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS
from tests.agent.fleet.budget.worlds import small_tree

NOW = 10**12
EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "100"))
LOOK_S = 10
DOWN_W = 2000.0
"""In each look: whenever between two it begins, a site is down from its peak to its minimum within FALL_BACK_NS."""


def test_a_site_alone_keeps_its_last_budget_and_then_its_contract() -> None:
    site = SiteBudget.start("east", 1000.0, 5000.0, 7, NOW)
    assert site.root_limit_w(NOW) == 1000.0
    grant = Grant(node="east", session=7, revision=Revision(1, 1), cap_w=4000.0, until_ns=NOW + SITE_LEASE_NS)
    assert site.accept(grant, NOW) is None
    assert site.root_limit_w(NOW + SITE_LEASE_NS - FALL_BACK_NS - 1) == 4000.0
    assert site.root_limit_w(NOW + SITE_LEASE_NS - FALL_BACK_NS) == 1000.0, "early enough for its nodes to fall back"
    assert at_most_ns(LEASE_NS) < FALL_BACK_NS < SITE_LEASE_NS
    more = Grant(node="east", session=7, revision=Revision(1, 2), cap_w=5001.0, until_ns=NOW + SITE_LEASE_NS)
    assert site.accept(more, NOW) is Refusal.ABOVE_PEAK


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.5), st.sampled_from([0.0, 0.02, 0.1]))
def test_a_parent_moves_watts_and_never_more_than_there_are(seed: int, loss: float, trouble: float) -> None:
    """Sites change their leaders at any time: each begins anew, and its site comes down by then."""
    chance = random.Random(seed)
    names = ("east", "west", "north")
    nodes = {name: NodeTable("production", base_w=1000.0, peak_w=5000.0) for name in names}
    tree = build_tree(BudgetTable({"all": GroupTable("site", 9000.0, nodes=names)}, nodes))
    ledger = Ledger(tree, 1, NOW, 60 * SECOND_NS, SITE_LEASE_NS)
    control = BudgetControl(ledger, chance)
    sites = {name: SiteBudget.start(name, 1000.0, 5000.0, number, NOW) for number, name in enumerate(names)}
    counted_w = dict.fromkeys(names, 1000.0)
    highest_w = 0.0
    for number in range(120):
        now_ns = NOW + number * LOOK_S * SECOND_NS
        for name, site in sites.items():
            if chance.random() < trouble:
                site = sites[name] = SiteBudget.start(name, 1000.0, 5000.0, chance.getrandbits(62), now_ns)
            limit_w = site.root_limit_w(now_ns)
            counted_w[name] = max(limit_w, counted_w[name] - DOWN_W)
            if chance.random() >= loss:
                ledger.hear(site.report(counted_w[name], chance.uniform(500, 5000), now_ns), now_ns)
        assert sum(counted_w.values()) <= 9000.0 + 1e-6
        highest_w = max(highest_w, *counted_w.values())
        for grant in control.step(now_ns, {"all": 9000.0}):
            if chance.random() >= loss:
                sites[grant.node].accept(grant, now_ns)
    assert highest_w > 1000.0 or trouble > 0


def test_deferrable_load_goes_where_it_costs_least() -> None:
    rooms = [SiteRoom("east", 300.0, 90.0), SiteRoom("west", 200.0, 30.0), SiteRoom("north", -5.0, 1.0)]
    assert place(350.0, rooms) == ({"west": 200.0, "east": 150.0}, 0.0)
    assert place(900.0, rooms) == ({"west": 200.0, "east": 300.0}, 400.0)


@pytest.mark.parametrize(
    ("name", "efficiency", "watts", "move_w"),
    [
        ("n2", 0.69, 200.0, -40.0),  # research, poor: a fifth less of what it draws
        ("n2", 0.71, 200.0, None),
        ("n1", 0.5, 200.0, None),  # production is never punished
        ("n1", 1.31, 95.0, 15.0),  # held back and good: 15 % of its base more
        ("n1", 1.31, 50.0, None),
        ("n2", 1.31, 95.0, None),
    ],
)
def test_the_rule_of_efficiency(name: str, efficiency: float, watts: float, move_w: float | None) -> None:
    ledger = Ledger(small_tree(), 1, NOW, LEASE_NS)
    lease = NodeLease(name, 100.0, 300.0, 1, NOW)
    policy = Reallocation()
    lease.measured(watts, NOW, efficiency=1.0)
    ledger.hear(lease.report(NOW), NOW)
    assert policy.moves_w(ledger.accounts) == {}
    lease.measured(watts, NOW, efficiency=efficiency)
    ledger.hear(lease.report(NOW), NOW)
    assert policy.moves_w(ledger.accounts) == ({name: pytest.approx(move_w)} if move_w is not None else {})
