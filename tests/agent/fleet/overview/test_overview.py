# SPDX-License-Identifier: Apache-2.0
"""One row for each node and group, out of messages that may be lost, old, forged or nonsense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.messages import encode as encode_power
from agent.fleet.budget.topics import group_topic, members_topic, report_topic
from agent.fleet.bus import SECOND_NS, Message
from agent.fleet.claims import Claim
from agent.fleet.groups.group_states import GroupDocument, MembersDocument
from agent.fleet.node.documents import (
    MAX_COUNT,
    Asker,
    Condition,
    Direction,
    Document,
    Gone,
    Heartbeat,
    Report,
    Target,
    encode,
)
from agent.fleet.node.topics import Leaf, topic
from agent.fleet.overview.overview import FRESH_NS, NodeRow, Overview
from agent.fleet.overview.overview_text import lines

MINUTE_NS = 60 * SECOND_NS
GROUP = GroupDocument(
    domain="hall", group="rack", kind="rack", parent="all", limit_w=500, allowed_w=500, watts=240, counted_w=300,
    nodes=2, silent=0, band="release", short=False, emergencies=(), problem=False, term=3,
)  # fmt: skip


@dataclass
class Said:
    """Messages of one node, in order."""

    node: str = "bee"
    segment: str = "hall"
    start: int = 1
    number: int = 0

    def say(self, kind: type[Any], leaf: Leaf, *, retained: bool = False, **more: Any) -> Message:
        self.number += 1
        order = {"start": self.start, "number": self.number} if kind is not Gone else {"start": self.start}
        document: Document = kind(node=self.node, segment=self.segment, boot="b", **order, **more)
        return Message(topic(self.segment, self.node, leaf), encode(document), retained)

    def report(self, state: Direction, condition: Condition, *, retained: bool = False, reason: str = "") -> Message:
        more = {"state": state, "condition": condition, "target": None, "revision": 0, "reason": reason}
        return self.say(Report, Leaf.REPORT, retained=retained, **more)

    def beat(self, *, retained: bool = False) -> Message:
        return self.say(Heartbeat, Leaf.ALIVE, retained=retained, uptime_ns=1, interval_ns=MINUTE_NS)


def target(revision: int, wanted: Direction = Direction.DOWN) -> Message:
    document = Target(node="bee", target=wanted, revision=revision, asked_by=Asker.PERSON)
    return Message(topic("hall", "bee", Leaf.TARGET), encode(document), True)


def power(lease: NodeLease, watts: float, now_ns: int, domain: str = "hall") -> Message:
    lease.was_set(lease.cap_w(now_ns), now_ns)
    lease.was_read(lease.cap_w(now_ns))
    lease.measured(watts, now_ns)
    return Message(report_topic(domain, lease.node), encode_power(lease.report(now_ns)))


def members(nodes: dict[str, str], domain: str = "hall", group: str = "rack") -> Message:
    document = MembersDocument(domain=domain, group=group, nodes=nodes)
    return Message(members_topic(domain, group), msgspec.json.encode(document), True)


def group(document: GroupDocument, *, retained: bool = False) -> Message:
    return Message(group_topic(document.domain, document.group), msgspec.json.encode(document), retained)


def only(overview: Overview, now_ns: int) -> NodeRow:
    (row,) = overview.nodes(now_ns)
    return row


def test_all_that_is_said_of_a_machine_is_one_row() -> None:
    overview, said = Overview(), Said()
    overview.receive(said.report(Direction.UP, Condition.ON, retained=True, reason="in use"), 0)
    overview.receive(said.beat(), 1)
    overview.receive(target(4), 2)
    overview.receive(members({"bee": "critical"}), 3)
    overview.receive(power(NodeLease("bee", 100, 400, 7, 0), 180.0, 4), 4)
    row = only(overview, 2 * SECOND_NS)
    assert (row.node, row.segment, row.domain) == ("bee", "hall", "hall")
    assert (row.state, row.target, row.reason) == ("on", "down", "in use")
    assert (row.watts, row.cap_w, row.proven) == (180.0, 100.0, True)
    assert (row.priority, row.group) == ("critical", "rack")
    assert row.seen_s == pytest.approx(2.0, abs=0.1)


def test_a_reading_that_is_old_is_none() -> None:
    overview = Overview()
    overview.receive(power(NodeLease("bee", 100, 400, 7, 0), 180.0, 0), 0)
    assert (only(overview, FRESH_NS - 1).watts, only(overview, FRESH_NS - 1).state) == (180.0, "on")
    row = only(overview, FRESH_NS)
    assert (row.watts, row.cap_w, row.state) == (None, None, "silent")
    assert row.seen_s == 10.0


def test_a_machine_that_is_gone_or_says_nothing_is_silent() -> None:
    overview, said = Overview(), Said()
    overview.receive(said.report(Direction.UP, Condition.ON), 0)
    assert only(overview, 0).state == "on"
    assert only(overview, 3 * MINUTE_NS).state == "silent"
    overview.receive(said.beat(), 3 * MINUTE_NS)
    assert only(overview, 3 * MINUTE_NS).state == "on"
    overview.receive(said.say(Gone, Leaf.ALIVE), 3 * MINUTE_NS + 1)
    assert only(overview, 3 * MINUTE_NS + 1).state == "silent"


def test_one_that_said_that_it_sleeps_is_off() -> None:
    overview, said = Overview(), Said()
    overview.receive(said.report(Direction.DOWN, Condition.OFF, retained=True), 0)
    assert only(overview, 10 * MINUTE_NS).state == "off"
    assert only(overview, 10 * MINUTE_NS).seen_s is None  # nothing says when that was


def test_segment_and_domain_may_have_different_names() -> None:
    overview = Overview()
    overview.receive(Said(segment="floor").report(Direction.UP, Condition.ON), 0)
    overview.receive(power(NodeLease("bee", 100, 400, 7, 0), 180.0, 0, "grid"), 0)
    row = only(overview, 1)
    assert (row.segment, row.domain, row.watts) == ("floor", "grid", 180.0)


def test_two_machines_of_one_name_are_not_mixed() -> None:
    overview = Overview()
    for segment in ("east", "west"):
        overview.receive(Said(segment=segment).report(Direction.UP, Condition.ON), 0)
    overview.receive(power(NodeLease("bee", 100, 400, 7, 0), 180.0, 0, "grid"), 0)
    rows = overview.nodes(1)
    assert [(row.segment, row.domain, row.watts) for row in rows] == [
        ("east", "", None), ("", "grid", 180.0), ("west", "", None),
    ]  # fmt: skip


def test_replayed_and_forged_messages_change_nothing_and_are_counted() -> None:
    overview, said, lease = Overview(), Said(), NodeLease("bee", 100, 400, 7, 0)
    first = power(lease, 100.0, 0)
    old = said.report(Direction.DOWN, Condition.OFF)
    for message in (first, power(lease, 200.0, 1), said.report(Direction.UP, Condition.ON), target(4), old, first):
        overview.receive(message, 1)
    overview.receive(target(3, Direction.UP), 1)
    overview.receive(target(4, Direction.UP), 1)
    overview.receive(Message(first.topic, first.payload.replace(b'"bee"', b'"fly"')), 1)
    overview.receive(Message(first.topic, first.payload, retained=True), 1)
    overview.receive(Message(first.topic, first.payload.replace(b"100.0", b"NaN")), 1)
    row = only(overview, 2)
    assert (row.watts, row.state, row.target) == (200.0, "on", "down")
    assert dict(overview.refused) == {
        "stale": 2, "conflict": 1, "old-report": 1, "wrong-node": 1, "retained": 1, "malformed": 1,
    }  # fmt: skip


def test_groups_come_after_those_around_them() -> None:
    overview = Overview()
    whole = msgspec.structs.replace(GROUP, group="all", kind="site", parent=None)
    overview.receive(group(GROUP), 0)
    overview.receive(group(whole), 0)
    assert [row.state.group for row in overview.groups(0)] == ["all", "rack"]
    assert all(row.fresh for row in overview.groups(0))
    assert not any(row.fresh for row in overview.groups(3 * MINUTE_NS))


def test_groups_inside_each_other_have_an_end() -> None:
    overview = Overview()
    overview.receive(group(GROUP), 0)
    overview.receive(group(msgspec.structs.replace(GROUP, group="all", parent="rack")), 0)
    assert len(overview.groups(0)) == 2


def test_what_the_broker_kept_of_a_group_is_fresh_for_a_heartbeat_only() -> None:
    overview = Overview()
    overview.receive(group(GROUP, retained=True), 5 * MINUTE_NS)
    assert overview.groups(5 * MINUTE_NS)[0].fresh
    assert not overview.groups(6 * MINUTE_NS)[0].fresh


def claim(seconds: float, *, retained: bool = False) -> Message:
    said = Claim(claimant="c1", number=1, revision=3, duration_ms=round(seconds * 1000))
    return Message("pgood/fleet/lease/budget-hall", msgspec.json.encode(said), retained)


def test_a_group_of_which_nobody_tells_any_more_is_not_shown_as_it_was() -> None:
    overview = Overview()

    def fresh(at_s: float) -> bool:
        return overview.groups(round(at_s * SECOND_NS))[0].fresh

    overview.receive(group(GROUP, retained=True), 0)
    assert fresh(5), "claims may not be for this reader"
    overview.receive(claim(10, retained=True), 0)
    assert fresh(3)
    assert not fresh(5), "somebody led, but that may be long ago"
    overview.receive(claim(10), 6 * SECOND_NS)
    assert fresh(15)
    assert not fresh(16)
    overview.receive(claim(10), 16 * SECOND_NS)
    overview.receive(claim(0), 17 * SECOND_NS)
    assert not fresh(17), "the lead was given back"


def test_claims_of_others_and_nonsense_say_nothing_of_a_domain() -> None:
    overview = Overview()
    overview.receive(group(GROUP, retained=True), 0)
    for name, payload in (("farm-hall", claim(0).payload), ("budget-room", claim(0).payload), ("budget-hall", b"{")):
        overview.receive(Message(f"pgood/fleet/lease/{name}", payload), 0)
    assert overview.groups(0)[0].fresh


def test_a_coordinator_that_leads_no_more_is_not_believed() -> None:
    overview = Overview()
    overview.receive(group(GROUP), 0)
    overview.receive(group(msgspec.structs.replace(GROUP, term=2, watts=1)), 0)
    assert overview.groups(0)[0].state.watts == 240
    assert overview.refused["old-revision"] == 1


def test_who_left_a_group_is_in_it_no_more() -> None:
    overview = Overview()
    overview.receive(members({"bee": "critical", "fly": "research"}), 0)
    overview.receive(members({"fly": "research"}), 0)
    assert [row.node for row in overview.nodes(0)] == ["fly"]


def test_the_next_target_is_above_every_revision() -> None:
    overview, said = Overview(), Said()
    assert overview.next_revision("hall", "bee") == 1
    overview.receive(target(4), 0)
    assert overview.next_revision("hall", "bee") == 5
    overview.receive(
        said.say(
            Report, Leaf.REPORT, state=Direction.UP, condition=Condition.ON, target=Direction.UP, revision=9
        ), 0,
    )  # fmt: skip
    assert overview.next_revision("hall", "bee") == 10
    overview.receive(target(MAX_COUNT), 0)
    assert overview.next_revision("hall", "bee") is None
    assert overview.segments_of("bee") == ["hall"]


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from(
                    [report_topic("hall", "bee"), group_topic("hall", "rack"), members_topic("hall", "rack")]
                    + [topic("hall", "bee", leaf) for leaf in Leaf]
                ),
                st.text(max_size=40),
            ),
            st.one_of(st.binary(max_size=60), st.sampled_from([b"{}", b"null", b"[" * 5000, b'{"type":"target"}'])),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_nonsense_never_shows(messages: list[tuple[str, bytes, bool]]) -> None:
    overview = Overview()
    for name, payload, retained in messages:
        overview.receive(Message(name, payload, retained), 0)
    assert overview.nodes(0) == []
    assert overview.groups(0) == []
    lines(overview.nodes(0), overview.groups(0), overview.refused)


def test_a_table_that_does_not_fit_says_how_much_is_missing() -> None:
    overview = Overview()
    overview.receive(members({f"n{number:02}": "research" for number in range(50)}), 0)
    overview.receive(group(GROUP), 0)
    shown = lines(overview.nodes(0), overview.groups(0), {"stale": 2}, most=20)
    assert len(shown) == 20
    assert shown[-1] == "refused: 2 stale"
    assert shown[-2] == "... 36 more"
    assert len(lines(overview.nodes(0), overview.groups(0), {})) == 54


def test_what_others_say_does_not_command_the_terminal() -> None:
    overview, said = Overview(), Said()
    overview.receive(said.report(Direction.UP, Condition.ON, reason="\x1b[2J\x07ha"), 0)
    overview.receive(group(msgspec.structs.replace(GROUP, kind="\x1b]0;x\x07", emergencies=("\x1b[31m",))), 0)
    shown = "\n".join(lines(overview.nodes(0), overview.groups(0), {}))
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_a_cap_that_is_not_proven_is_marked() -> None:
    overview, lease = Overview(), NodeLease("bee", 100, 400, 7, 0)
    lease.measured(120.0, 0)
    message = Message(report_topic("hall", "bee"), encode_power(lease.report(10 * MINUTE_NS)))
    overview.receive(message, 0)
    assert "100?" in "\n".join(lines(overview.nodes(0), [], {}))
