# SPDX-License-Identifier: Apache-2.0
"""What a node believes, and what it does when nobody speaks to it any more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.budget.lease import LEASE_NS, PEAK_WINDOW_NS, SETTLE_NS, NodeLease
from agent.fleet.budget.messages import LONGEST, Grant, Proof, Refusal, Revision, encode, read_grant, read_report
from agent.fleet.bus import SECOND_NS

NOW = 1000 * SECOND_NS


def node() -> NodeLease:
    return NodeLease("n", base_w=100.0, peak_w=300.0, session=7, started_ns=NOW)


def grant(**changes: Any) -> Grant:
    fields: dict[str, Any] = {
        "node": "n", "session": 7, "revision": Revision(1, 1), "cap_w": 250.0, "until_ns": NOW + LEASE_NS
    }  # fmt: skip
    return Grant(**(fields | changes))


def test_it_falls_back_by_itself() -> None:
    lease = node()
    assert lease.cap_w(NOW) == 100.0
    assert lease.accept(grant(), NOW) is None
    assert lease.cap_w(NOW + LEASE_NS - SETTLE_NS - 1) == 250.0
    assert lease.cap_w(NOW + LEASE_NS - SETTLE_NS) == 100.0


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"session": 8}, Refusal.WRONG_SESSION),
        ({"node": "m"}, Refusal.WRONG_NODE),
        ({"revision": Revision(1, 1)}, Refusal.OLD_REVISION),
        ({"revision": Revision(0, 99)}, Refusal.OLD_REVISION),
        ({"revision": Revision(2, 0), "until_ns": NOW + LEASE_NS + 1}, Refusal.FUTURE),
        ({"revision": Revision(2, 0), "cap_w": 300.1}, Refusal.ABOVE_PEAK),
    ],
)
def test_what_is_refused_changes_nothing(changes: dict[str, Any], refusal: Refusal) -> None:
    lease = node()
    lease.accept(grant(cap_w=200.0), NOW)
    assert lease.accept(grant(**changes), NOW) is refusal
    assert (lease.cap_w(NOW), lease.refused) == (200.0, {refusal: 1})
    impossible = refusal in (Refusal.FUTURE, Refusal.ABOVE_PEAK)
    assert lease.impossible == ((refusal, NOW) if impossible else None)


def test_a_new_leader_is_believed_and_the_lease_stays() -> None:
    lease = node()
    lease.accept(grant(), NOW)
    assert lease.accept(grant(revision=Revision(2, 1), cap_w=None, until_ns=0), NOW) is None
    assert lease.cap_w(NOW) == 250.0
    assert lease.accept(grant(revision=Revision(1, 9)), NOW) is Refusal.OLD_REVISION


def test_a_cap_is_proven_by_reading_it() -> None:
    lease = node()
    assert lease.proof(NOW) is Proof.PENDING
    assert lease.proof(NOW + SETTLE_NS) is Proof.UNPROVEN
    lease.was_set(100.0, NOW)
    lease.was_read(100.5)
    assert lease.proof(NOW + SETTLE_NS) is Proof.PROVEN
    lease.was_read(180.0)
    assert lease.proof(NOW) is Proof.UNPROVEN
    lease.was_read(100.0)
    lease.accept(grant(), NOW + SECOND_NS)
    assert lease.proof(NOW + SECOND_NS) is Proof.PENDING
    lease.was_set(250.0, NOW + SECOND_NS)
    assert lease.proof(NOW + 2 * SECOND_NS) is Proof.PENDING
    assert lease.proof(NOW + SECOND_NS + SETTLE_NS) is Proof.UNPROVEN


def test_nothing_is_pending_for_ever() -> None:
    """A node whose cap is changed each second and never read back counts as unproven."""
    lease = node()
    lease.was_set(100.0, NOW)
    for number in range(10):
        now_ns = NOW + number * SECOND_NS
        lease.accept(grant(revision=Revision(1, number + 1), cap_w=200.0 + number), now_ns)
        lease.was_set(200.0 + number, now_ns)
    assert lease.proof(NOW + 9 * SECOND_NS) is Proof.UNPROVEN


def test_the_peak_is_remembered_for_a_while() -> None:
    lease = node()
    lease.measured(290.0, NOW)
    lease.measured(120.0, NOW + SECOND_NS)
    assert lease.report(NOW + SECOND_NS).measured_peak_w == 290.0
    lease.measured(120.0, NOW + PEAK_WINDOW_NS + 20 * SECOND_NS)
    assert lease.report(NOW).measured_peak_w == 120.0


@given(st.binary(max_size=200))
def test_any_bytes(payload: bytes) -> None:
    assert isinstance(read_grant(payload, "n"), (Grant, Refusal))
    assert read_report(payload, "n") is not None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"cap_w": "NaN"}, Refusal.MALFORMED),
        ({"cap_w": -1}, Refusal.MALFORMED),
        ({"cap_w": 1e300}, Refusal.MALFORMED),
        ({"extra": 1}, Refusal.MALFORMED),
        ({"session": -1}, Refusal.MALFORMED),
        ({"node": "a/b"}, Refusal.MALFORMED),
        ({"node": "other"}, Refusal.WRONG_NODE),
    ],
)
def test_hostile_leases(change: dict[str, Any], refusal: Refusal) -> None:
    fields = msgspec.json.decode(encode(grant())) | change
    assert read_grant(msgspec.json.encode(fields), "n") is refusal


def test_numbers_that_are_none_and_messages_without_end() -> None:
    payload = encode(node().report(NOW)).replace(b'"watts":0.0', b'"watts":NaN')
    assert read_report(payload, "n") is Refusal.MALFORMED
    assert read_report(b" " * (LONGEST + 1), "n") is Refusal.TOO_LONG


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.floats(0, 400), st.integers(-60, 60)), max_size=30))
def test_revisions_never_go_back(grants: list[tuple[int, int, float, int]]) -> None:
    lease, highest = node(), Revision()
    for term, number, cap_w, seconds in grants:
        one = grant(revision=Revision(term, number), cap_w=cap_w, until_ns=NOW + seconds * SECOND_NS)
        believed = lease.accept(one, NOW) is None
        assert not (believed and one.revision <= highest)
        highest = max(highest, one.revision) if believed else highest
        assert lease.report(NOW).revision == highest
        assert lease.cap_w(NOW) <= lease.peak_w
        assert lease.cap_w(NOW + LEASE_NS) == lease.base_w
