# SPDX-License-Identifier: Apache-2.0
"""Coordinators and nodes on a bus: they grant, they take over, they answer emergencies, and they can say why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agent.fleet.budget.coordinator import HIGHEST_TERM
from agent.fleet.budget.emergencies.emergency import EmergencyKind
from agent.fleet.budget.explain import Rule
from agent.fleet.budget.lease import LEASE_NS, NodeLease
from agent.fleet.budget.messages import Refusal, Revision, encode
from agent.fleet.budget.timing import LEAD_S, Timing
from agent.fleet.budget.topics import cap_topic, lead_lease, report_topic
from agent.fleet.bus import SECOND_NS, Message
from agent.fleet.node import documents
from agent.fleet.node.topics import Leaf, topic
from tests.agent.fleet.budget.made_up_hall import CYCLE_S, DOMAIN, Hall, play
from tests.agent.fleet.node.reports import report_of


def test_priorities_get_their_watts_and_each_can_be_explained() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        caps_w = {name: machine.kept_w for name, machine in hall.machines.items()}
        peaks_w = {name: node.peak_w for name, node in hall.coordinators[0].tree.nodes.items()}
        assert (caps_w["n0"], caps_w["n3"]) == (peaks_w["n0"], peaks_w["n3"]), "critical nodes are not cut"
        assert caps_w["n1"] > 100.0
        assert caps_w["n2"] < peaks_w["n2"]
        assert sum(coordinator.leads for coordinator in hall.coordinators) == 1
        leader = hall.coordinators[0]
        why = leader.explain("n2")
        assert why is not None
        assert why.rule in (Rule.CUT, Rule.FLOOR, Rule.BASE, Rule.SHARED)
        assert why.group in ("r0", "room")
        assert "Nearest limit" in why.text()
        assert hall.coordinators[1].explain("n2") is None
        with pytest.raises(KeyError):
            leader.explain("ghost")
        await hall.close()

    play(scene())


def test_a_node_with_other_numbers_is_explained() -> None:
    """Its file and the coordinator's must be alike; where they are not, somebody has to be told."""

    async def scene() -> None:
        hall = Hall()
        await hall.open()
        hall.nodes["n1"].lease.lease_ns = LEASE_NS // 2
        await hall.pass_s(45)
        leader = hall.coordinators[0]
        other = replace(hall.nodes["n2"].lease.report(hall.now()), base_w=1000.0)
        assert leader.hear(Message(report_topic(DOMAIN, "n2"), encode(other))) is Refusal.ABOVE_PEAK
        assert hall.nodes["n1"].lease.impossible is not None
        found = [leader.explain(name) for name in ("n1", "n2", "n3")]
        short, above, right = (why.text() for why in found if why is not None)
        assert "and said that it may draw 100 W" in short
        assert "what it says now is refused (above-peak)" in above
        assert "said that it may" not in right
        assert "refused" not in right
        await hall.close()

    play(scene())


def test_another_one_takes_over_within_the_lease_and_nobody_falls_back() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        terms = {name: side.lease.report(hall.now()).revision.term for name, side in hall.nodes.items()}
        hall.stopped.add(0)
        stopped_ns = hall.now()
        while not hall.coordinators[1].leads:
            await hall.pass_s(1)
            assert hall.now() - stopped_ns <= (LEAD_S + CYCLE_S) * SECOND_NS
        await hall.pass_s(1)
        assert all(side.lease.report(hall.now()).revision.term > terms[name] for name, side in hall.nodes.items()), (
            "the first cycle tells every node"
        )
        for _ in range(60):
            await hall.pass_s(1)
            assert hall.machines["n0"].kept_w == 300.0, "no lease of a critical node ended"
        hall.stopped = {1}
        await hall.pass_s(2 * int(LEAD_S))
        assert hall.coordinators[0].leads
        await hall.close()

    play(scene())


def test_without_any_coordinator_and_without_the_broker_all_fall_back() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(30)
        hall.broker.down = True
        await hall.pass_s(LEASE_NS // SECOND_NS)
        assert {machine.kept_w for machine in hall.machines.values()} == {100.0}
        assert hall.coordinators[0].unreached > 0
        assert not hall.coordinators[0].leads
        hall.broker.down = False
        await hall.pass_s(60)
        assert hall.machines["n0"].kept_w == 300.0
        await hall.close()

    play(scene())


def test_an_emergency_is_answered_and_measured() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        leader = hall.coordinators[0]
        leader.desk.signal(EmergencyKind.GRID, "room", True, hall.now(), share=0.8)
        await hall.pass_s(12)
        assert sum(machine.kept_w for machine in hall.machines.values()) <= 0.8 * 1600 + 1
        found = leader.desk.running[EmergencyKind.GRID, "room"]
        assert found.response_ns is not None
        assert found.response_ns <= 2 * (2 * CYCLE_S) * SECOND_NS
        assert hall.machines["n0"].kept_w > hall.machines["n2"].kept_w
        why = leader.explain("n2")
        assert why is not None
        assert "W of 1280 W counted (1600 W, less what the grid emergency takes)" in why.text()
        leader.desk.signal(EmergencyKind.GRID, "room", False, hall.now())
        await hall.pass_s(120)
        assert not leader.desk.running
        assert hall.machines["n0"].kept_w == 300.0
        await hall.close()

    play(scene())


def test_hostile_messages_are_refused_named_and_counted() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(15)
        leader, side = hall.coordinators[0], hall.nodes["n1"]
        ghost = NodeLease("ghost", 1.0, 2.0, 1, 0).report(hall.now())
        good = encode(side.lease.report(hall.now()))
        for message, refusal in [
            (Message(report_topic(DOMAIN, "ghost"), encode(ghost)), Refusal.UNKNOWN_NODE),
            (Message(report_topic(DOMAIN, "n2"), good), Refusal.WRONG_NODE),
            (Message("elsewhere", good), Refusal.WRONG_NODE),
            (Message(report_topic(DOMAIN, "n1"), good, retained=True), Refusal.RETAINED),
            (Message(report_topic(DOMAIN, "n1"), b"{"), Refusal.MALFORMED),
        ]:
            assert leader.hear(message) is refusal
            assert leader.refused[refusal] >= 1
        assert leader.hear(Message(report_topic(DOMAIN, "n1"), good)) is None
        assert leader.hear(Message(report_topic(DOMAIN, "n1"), good)) is Refusal.OLD_REPORT
        kept_w = side.machine.read_cap_w()
        assert side.take(Message(cap_topic(DOMAIN, "n1"), b"[]")) is Refusal.MALFORMED
        assert side.take(Message(cap_topic(DOMAIN, "n1"), b"{}", retained=True)) is Refusal.RETAINED
        assert side.machine.read_cap_w() == kept_w
        assert side.lease.refused == {Refusal.MALFORMED: 1, Refusal.RETAINED: 1}
        await hall.close()

    play(scene())


def test_a_node_that_cannot_prove_its_cap_counts_with_its_peak() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        leader = hall.coordinators[0]
        assert leader.control is not None
        hall.machines["n1"].read_cap_w = lambda: None  # type: ignore[method-assign]
        peak_w = hall.nodes["n1"].lease.report(hall.now()).measured_peak_w
        await hall.pass_s(60)
        leader.control.ledger.count(hall.now())
        assert leader.control.ledger.counted_w("n1") >= peak_w - 1e-6
        why = leader.explain("n1")
        assert why is not None
        assert why.rule is Rule.UNPROVEN
        await hall.close()

    play(scene())


def test_too_many_silent_nodes_stop_every_release() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        for machine in hall.machines.values():
            machine.wanted_w = 120.0
        await hall.pass_s(60)
        hall.broker.cut_off |= {"n0", "n1"}
        await hall.pass_s(15)
        leader = hall.coordinators[0]
        assert leader.control is not None
        assert any("too many nodes are silent" in one for one in leader.control.alarms())
        before_w = hall.machines["n2"].kept_w
        hall.machines["n2"].wanted_w = 300.0
        await hall.pass_s(60)
        assert hall.machines["n2"].kept_w <= before_w
        assert hall.machines["n0"].kept_w == 100.0, "it fell back by itself"
        await hall.close()

    play(scene())


def test_nodes_that_sleep_leave_their_watts_and_get_them_back_when_they_are_wanted() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(45)
        leader = hall.coordinators[0]
        assert leader.control is not None
        owner = hall.broker.connect("owner")
        for name in ("n1", "n4", "n5"):
            report = report_of(name, documents.Direction.DOWN, target=documents.Direction.DOWN, last=True)
            await owner.publish(topic(DOMAIN, name, Leaf.REPORT), documents.encode(report), retain=True)
            hall.broker.cut_off.add(name)
            hall.machines[name].wanted_w = 0.0
        await hall.pass_s(120)
        leader.control.ledger.count(hall.now())
        assert {leader.control.ledger.counted_w(name) for name in ("n1", "n4", "n5")} == {100.0}
        assert not leader.control.alarms(), "half a hall sleeps, and that is nothing bad"
        assert hall.machines["n2"].kept_w == leader.tree.nodes["n2"].peak_w, "who is awake gets what they leave"
        hall.stopped.add(0)
        await hall.pass_s(45)
        other = hall.coordinators[1]
        assert other.control is not None
        assert not other.control.alarms(), "who takes over has heard it, too"
        wanted = documents.Target(node="n1", target=documents.Direction.UP, revision=2)
        await owner.publish(topic(DOMAIN, "n1", Leaf.TARGET), documents.encode(wanted), retain=True)
        await hall.pass_s(12)
        why = other.explain("n1")
        assert why is not None
        assert why.rule is Rule.SILENT, "it is waking"
        assert (why.counted_w, other.tree.nodes["n1"].falls_back) == (100.0, True)
        hall.broker.cut_off.discard("n1")
        hall.machines["n1"].wanted_w = 300.0
        await hall.pass_s(60)
        assert hall.machines["n1"].kept_w > 100.0
        await hall.close()

    play(scene())


def test_terms_go_on_above_those_that_nodes_obey_when_the_broker_forgot_them() -> None:
    async def scene() -> None:
        hall = Hall()
        assert hall.broker.hold(lead_lease(DOMAIN), "an old one", 0, above=40) == 41
        await hall.open()
        await hall.pass_s(45)
        assert hall.nodes["n0"].lease.report(hall.now()).revision.term == 42
        hall.broker._leases.clear()
        hall.stopped.add(0)
        await hall.pass_s(45)
        control = hall.coordinators[1].control
        assert control is not None
        assert control.ledger.term == 43
        assert {side.lease.report(hall.now()).revision.term for side in hall.nodes.values()} == {43}
        await hall.close()

    play(scene())


@pytest.mark.parametrize("same_connection", [False, True])
def test_a_coordinator_that_starts_again_under_its_name_is_a_new_leader(same_connection: bool) -> None:
    """Its numbers begin anew: within the old term the nodes would refuse them."""

    async def scene() -> None:
        hall = Hall()
        await hall.open()
        hall.stopped.add(1)
        await hall.pass_s(45)
        term = hall.nodes["n0"].lease.report(hall.now()).revision.term
        hall.stopped.add(0)
        hall.start_coordinator(
            hall.coordinators[0].bus if same_connection else hall.broker.connect("coordinator0")  # type: ignore[arg-type]
        )
        again = hall.coordinators[-1]
        for _ in range(int(LEAD_S) + 2 * CYCLE_S):
            await hall.pass_s(1)
            assert hall.machines["n0"].kept_w == 300.0, "nobody falls back meanwhile"
        assert again.leads
        assert again.control is not None
        assert again.control.ledger.term > term
        assert {side.lease.report(hall.now()).revision.term for side in hall.nodes.values()} == {
            again.control.ledger.term
        }
        await hall.pass_s(60)
        assert hall.machines["n0"].kept_w == 300.0
        await hall.close()

    play(scene())


@pytest.mark.parametrize(("cycle_s", "lease_s"), [(1, 30), (9, 35), (30, 93), (60, 183)])
def test_every_cycle_that_is_allowed_keeps_what_was_granted(cycle_s: float, lease_s: float) -> None:
    async def scene() -> None:
        hall = Hall(timing=Timing(cycle_s, lease_s))
        assert lease_s >= hall.timing.least_lease_s
        await hall.open()
        await hall.pass_s(30 + 4 * int(cycle_s))
        leader = hall.coordinators[0]
        assert leader.leads
        assert leader.control is not None
        term = leader.control.ledger.term
        for _ in range(6 * int(cycle_s) + 60):
            await hall.pass_s(1)
            assert hall.machines["n0"].kept_w == 300.0, "no lease ends between two cycles"
            assert not any("silent" in alarm for alarm in leader.control.alarms())
        assert leader.control.ledger.term == term, "the lead is renewed however long a cycle is"
        hall.stopped.add(0)
        for _ in range(int(LEAD_S) + 2 * CYCLE_S):
            await hall.pass_s(1)
            assert hall.machines["n0"].kept_w == 300.0
        assert hall.coordinators[1].leads
        hall.stopped = {0, 1}
        await hall.pass_s(int(lease_s))
        assert {machine.kept_w for machine in hall.machines.values()} == {100.0}
        await hall.close()

    play(scene())


def test_a_term_beyond_all_bounds_is_not_followed() -> None:
    async def scene() -> None:
        hall = Hall()
        await hall.open()
        await hall.pass_s(30)
        leader = hall.coordinators[0]
        assert leader.control is not None
        term = leader.control.ledger.term
        liar = replace(hall.nodes["n0"].lease.report(hall.now()), revision=Revision(HIGHEST_TERM + 1, 0))
        assert leader.hear(Message(report_topic(DOMAIN, "n0"), encode(liar))) is None
        await hall.pass_s(6)
        assert leader.control.ledger.term == term
        await hall.close()

    play(scene())
