# SPDX-License-Identifier: Apache-2.0
"""Hostile messages, and what a node knows of the others."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.node.actions import Burst, Publish, Sleep
from agent.fleet.node.core import NodeCore, Seen, Settings
from agent.fleet.node.desired import Remembered
from agent.fleet.node.documents import (
    LEAF_OF,
    MAX_BYTES,
    MAX_COUNT,
    MOST_STARTS,
    Direction,
    Gone,
    Heartbeat,
    Report,
    Target,
    WakeSent,
    WitnessAsked,
    decode,
    encode,
)
from agent.fleet.node.guards import Circumstances, Guard, GuardSettings, standing
from agent.fleet.node.peers import MAX_PEERS, Peers
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.target import HOST_OF_A_BOARD, OWN_NODE, Identity, TargetSettings
from agent.fleet.node.topics import Leaf, patterns, place, topic
from agent.fleet.node.wake_ability import WakeAbility
from agent.fleet.node.witness import BOUND_NS
from tests.agent.fleet.node.reports import report_of

S = 1_000_000_000
SEEN = Seen(0, WakeAbility(("02:00:00:00:00:01",), ""), ())
UP, DOWN = Direction.UP, Direction.DOWN


def core() -> NodeCore:
    return NodeCore(Identity("bee", "hall", "k"), Settings(OWN_NODE), Remembered(), 0, ["ant", "bee", "cat"])


def said(node: str = "ant", start: int = 1, number: int = 1, **more: object) -> Report:
    base = report_of(node, UP, target=UP, boot=f"k{start}", start=start, number=number)
    return msgspec.structs.replace(base, **{"sends": True, "macs": ("02:00:00:00:00:02",), **more})


def alive(start: int = 1, number: int = 1, node: str = "ant") -> Heartbeat:
    return Heartbeat(
        node=node, segment="hall", boot=f"k{start}", start=start, number=number, uptime_ns=5, interval_ns=60 * S
    )


GOOD = json.loads(encode(Target(node="bee", target=DOWN, revision=1)))


@pytest.mark.parametrize(
    "change",
    [
        {"revision": 0},
        {"revision": -1},
        {"revision": 2**53},
        {"revision": 1.5},
        {"revision": float("nan")},
        {"revision": "1"},
        {"target": "off"},
        {"target": None},
        {"more": 1},
        {"type": "report"},
        {"node": "bee.x"},
        {"node": "bee\n"},
        {"node": "a" * 64},
        {"reason": "x" * 301},
    ],
)
def test_targets_that_are_none(change: dict[str, object]) -> None:
    node = core()
    node.receive(Leaf.TARGET, "bee", json.dumps(GOOD | change).encode(), 0, retained=True)
    assert node.refusals.count == {RefusedBecause.MALFORMED: 1}
    assert not node.machine.heard


def test_each_refusal_has_its_name() -> None:
    node = core()
    for leaf, to, payload, because in [
        (Leaf.TARGET, "bee", b" " * (MAX_BYTES + 1), RefusedBecause.TOO_LARGE),
        (Leaf.TARGET, "bee", b"[" * 4000, RefusedBecause.MALFORMED),
        (Leaf.TARGET, "cat", json.dumps(GOOD).encode(), RefusedBecause.OTHER_NODE),
        (Leaf.REPORT, "eve", encode(said("eve")), RefusedBecause.UNKNOWN_NODE),
        (Leaf.REPORT, "ant", encode(said(segment="attic")), RefusedBecause.OTHER_SEGMENT),
        (Leaf.WITNESS, "eve", question(node="eve"), RefusedBecause.UNKNOWN_NODE),
        (Leaf.WAKE, "ant", encode(wake_sent(sender="eve")), RefusedBecause.UNKNOWN_NODE),
        (Leaf.WAKE, "eve", encode(wake_sent(node="eve")), RefusedBecause.UNKNOWN_NODE),
        (Leaf.REPORT, "bee", encode(said("bee", start=MOST_STARTS + 1)), RefusedBecause.IMPLAUSIBLE),
    ]:
        before = node.refusals.count[because]
        assert node.receive(leaf, to, payload, 0, retained=False) == []
        assert node.refusals.count[because] == before + 1
        assert node.refusals.last[because]


@given(st.sampled_from(Leaf), st.sampled_from(["bee", "ant", "eve"]), st.binary(max_size=200), st.booleans())
def test_any_bytes_are_survived(leaf: Leaf, node: str, payload: bytes, retained: bool) -> None:
    one = core()
    assert one.receive(leaf, node, payload, 0, retained=retained) == []
    assert not any(isinstance(action, Sleep) for action in one.step(0, SEEN))


@given(st.sampled_from(Leaf), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_json_is_refused(leaf: Leaf, value: object) -> None:
    assert isinstance(decode(json.dumps({**GOOD, "node": "bee", "x": value}).encode(), leaf, "bee"), Refusal)


def test_the_first_thing_said_is_a_report_whatever_waits() -> None:
    node = core()
    node.receive(Leaf.TARGET, "bee", json.dumps(GOOD).encode(), 0, retained=True)
    published = [action.document for action in node.step(0, SEEN) if isinstance(action, Publish)]
    assert isinstance(published[0], Report)
    assert isinstance(published[1], Heartbeat)


def running(settings: TargetSettings, seen: Seen = SEEN) -> NodeCore:
    """A core whose first report has come back."""
    node = NodeCore(Identity("bee", "hall", "k"), Settings(settings), Remembered(), 0)
    for action in node.step(0, seen):
        if isinstance(action, Publish) and isinstance(action.document, Report):
            node.receive(Leaf.REPORT, "bee", encode(action.document), 0, retained=False)
    return node


def question(number: int = 1, node: str = "ant") -> bytes:
    return encode(WitnessAsked(node=node, segment="hall", witness="bee", start=1, number=number, stay_ns=BOUND_NS))


def wake_sent(node: str = "ant", sender: str = "cat", attempt: int = 0) -> WakeSent:
    return WakeSent(node=node, segment="hall", sender=sender, revision=1, attempt=attempt)


def guards_of(node: NodeCore, now_ns: int) -> set[Guard]:
    return {each.guard for each in node._around(now_ns, SEEN).standing}


def test_a_promise_outlasts_a_corrected_start_and_a_suspend() -> None:
    node = running(OWN_NODE)
    assert len(node.receive(Leaf.WITNESS, "ant", question(), 200 * S, retained=False)) == 1
    node.receive(Leaf.REPORT, "bee", encode(said("bee", start=70, boot="k")), 201 * S, retained=True)
    assert node.machine.remembered.start == 71
    assert node.will().start == 71
    assert Guard.PROMISED in guards_of(node, 300 * S)
    node.resumed(301 * S)
    assert node.will().start == 72
    assert {Guard.PROMISED, Guard.JUST_STARTED} <= guards_of(node, 302 * S)
    assert Guard.PROMISED not in guards_of(node, 321 * S)


def bursts(node: NodeCore, seconds: range) -> bool:
    return any(isinstance(action, Burst) for second in seconds for action in node.step(second * S, SEEN))


def test_what_is_of_the_moment_says_nothing_when_it_is_retained() -> None:
    node = running(OWN_NODE)
    assert node.receive(Leaf.WITNESS, "ant", question(), S, retained=True) == []
    node.receive(Leaf.TARGET, "ant", encode(Target(node="ant", target=UP, revision=1)), S, retained=True)
    node.receive(Leaf.REPORT, "ant", encode(said(state=DOWN)), S, retained=True)
    node.receive(Leaf.WAKE, "ant", encode(wake_sent(attempt=7)), S, retained=True)
    assert node.refusals.count[RefusedBecause.STALE] == 2
    assert bursts(node, range(2, 90))


@pytest.mark.parametrize("start", [MOST_STARTS, MAX_COUNT])
def test_a_forged_count_of_its_starts_does_not_silence_a_node(start: int) -> None:
    """It goes on above what is retained under its name, but not where nobody could read its number any more."""
    node = running(OWN_NODE)
    node.receive(Leaf.REPORT, "bee", encode(said("bee", start=start, boot="k")), S, retained=True)
    again = NodeCore(Identity("bee", "hall", "k2"), Settings(OWN_NODE), node.machine.remembered, 2 * S)
    said_now = [action.document for action in again.step(2 * S, SEEN) if isinstance(action, Publish)]
    assert len(said_now) == 2
    for document in said_now:
        assert decode(encode(document), LEAF_OF[type(document)], "bee") == document
        again.receive(LEAF_OF[type(document)], "bee", encode(document), 2 * S, retained=False)
    assert again.machine.settled


def test_whoever_was_cut_off_for_long_does_not_take_the_others_for_dead() -> None:
    """They went on telling of themselves, and the broker has kept the last word of each."""
    node = running(OWN_NODE)
    node.receive(Leaf.TARGET, "ant", encode(Target(node="ant", target=UP, revision=1)), S, retained=True)
    node.receive(Leaf.REPORT, "ant", encode(said()), S, retained=False)
    node.connected(600 * S)
    node.receive(Leaf.REPORT, "ant", encode(said()), 600 * S, retained=True)
    node.receive(Leaf.ALIVE, "ant", encode(alive(number=10)), 600 * S, retained=True)
    assert not bursts(node, range(600, 660))
    node.receive(Leaf.ALIVE, "ant", encode(alive(number=11)), 660 * S, retained=False)
    assert not bursts(node, range(660, 840))
    assert bursts(node, range(840, 900)), "three heartbeats have not come"


def test_a_host_of_a_board_neither_promises_nor_sends() -> None:
    node = running(HOST_OF_A_BOARD)
    assert node.receive(Leaf.WITNESS, "ant", question(), S, retained=False) == []
    node.receive(Leaf.TARGET, "ant", encode(Target(node="ant", target=UP, revision=1)), S, retained=True)
    node.receive(Leaf.REPORT, "ant", encode(said(state=DOWN)), S, retained=True)
    for second in range(2, 300):
        assert not any(isinstance(action, Burst) for action in node.step(second * S, SEEN))


# ---------------------------------------------------------------------- the others


def test_what_was_retained_proves_no_life() -> None:
    peers = Peers("hall")
    peers.report(said(), 0, retained=True)
    assert not peers.senders(1)
    peer = peers.get("ant")
    assert peer is not None
    assert not peer.missing(1), "nor that it is gone"
    assert peer.missing(181 * S)
    peers.heartbeat(alive(), 200 * S, retained=False)
    assert peers.senders(200 * S) == ("ant",)
    assert not peers.senders(380 * S), "three heartbeats have not come"


def test_a_repeated_heartbeat_keeps_nobody_alive() -> None:
    peers = Peers("hall")
    peers.report(said(), 0, retained=False)
    peers.heartbeat(alive(), 0, retained=False)
    for second in range(1, 300):
        assert peers.heartbeat(alive(), second * S, retained=False) is not None
    assert not peers.senders(300 * S)


def test_an_old_will_does_not_kill_the_new_start() -> None:
    peers = Peers("hall")
    peers.report(said(start=2), 0, retained=False)
    refusal = peers.gone(Gone(node="ant", segment="hall", boot="k1", start=1), 1)
    assert refusal is not None
    assert refusal.because is RefusedBecause.STALE
    assert peers.senders(2) == ("ant",)
    assert peers.gone(Gone(node="ant", segment="hall", boot="k2", start=2), 1) is None
    assert not peers.senders(2)
    peers.heartbeat(alive(start=2, number=5), 3, retained=False)
    assert peers.senders(4) == ("ant",), "it is back"


def test_an_old_report_changes_nothing() -> None:
    peers = Peers("hall")
    peers.report(said(start=3, number=4), 0, retained=False)
    for start, number in [(3, 4), (3, 3), (2, 99)]:
        assert peers.report(said(start=start, number=number, state=DOWN), 1, retained=False) is not None
    assert peers.senders(2) == ("ant",)


def test_memory_has_an_end() -> None:
    peers = Peers("hall")
    for number in range(MAX_PEERS):
        assert peers.target(Target(node=f"n{number}", target=UP, revision=1), 0) is None
    refusal = peers.target(Target(node="more", target=UP, revision=1), 0)
    assert refusal is not None
    assert refusal.because is RefusedBecause.TOO_MANY


# ---------------------------------------------------------------------- guards


@pytest.mark.parametrize(
    ("circumstances", "guard"),
    [
        (Circumstances(users=(), pinned="router"), Guard.PINNED),
        (Circumstances(users=("ssh",)), Guard.IN_USE),
        (Circumstances(users=None), Guard.IN_USE),
        (Circumstances(users=(), others_awake=False), Guard.LAST_AWAKE),
        (Circumstances(users=(), promised_until_ns=101 * S), Guard.PROMISED),
        (Circumstances(users=(), started_ns=90 * S), Guard.JUST_STARTED),
        (Circumstances(users=(), on_since_ns=90 * S), Guard.CHANGED_RECENTLY),
    ],
)
def test_each_guard(circumstances: Circumstances, guard: Guard) -> None:
    assert [each.guard for each in standing(circumstances, GuardSettings(), 100 * S)] == [guard]


def test_nothing_stands() -> None:
    calm = Circumstances(users=(), others_awake=True, started_ns=0, on_since_ns=0, promised_until_ns=5)
    assert standing(calm, GuardSettings(), 1800 * S) == ()


# ---------------------------------------------------------------------- topics


def test_topics() -> None:
    for leaf in Leaf:
        assert place(topic("hall", "bee", leaf)) == ("hall", "bee", leaf)
    assert len(patterns("hall")) == len(Leaf) - 1  # all but loads
    for wrong in (
        "",
        "pgood/fleet/hall/bee",
        "pgood/fleet/hall/b.ee/target",
        "pgood/fleet/hall/bee/else",
        "x/hall/bee/target",
    ):
        assert place(wrong) is None


def test_whoever_was_cut_off_hears_what_has_changed_before_it_wakes_anybody() -> None:
    node = running(OWN_NODE)
    node.receive(Leaf.TARGET, "ant", encode(Target(node="ant", target=UP, revision=1)), S, retained=True)
    node.receive(Leaf.REPORT, "ant", encode(said(state=DOWN)), S, retained=True)

    def wakes(second: int, *, reached: bool) -> bool:
        return any(isinstance(action, Burst) for action in node.step(second * S, replace(SEEN, reached=reached)))

    assert not any(wakes(second, reached=False) for second in range(2, 100))
    node.connected(100 * S)
    assert not any(wakes(second, reached=True) for second in range(100, 105))
    assert wakes(105, reached=True)


def test_a_machine_that_obeyed_a_newer_target_is_not_woken_for_an_older_one() -> None:
    """Its report has come, the target that it obeyed is late."""
    node = running(OWN_NODE)
    node.receive(Leaf.TARGET, "ant", encode(Target(node="ant", target=UP, revision=1)), S, retained=True)
    asleep = said(state=DOWN, target=DOWN, revision=2)
    node.receive(Leaf.REPORT, "ant", encode(asleep), S, retained=False)
    for second in range(2, 300):
        assert not any(isinstance(action, Burst) for action in node.step(second * S, SEEN))
    node.receive(Leaf.TARGET, "ant", encode(Target(node="ant", target=UP, revision=3)), 300 * S, retained=False)
    actions = [action for second in range(300, 320) for action in node.step(second * S, SEEN)]
    assert any(isinstance(action, Burst) for action in actions)
