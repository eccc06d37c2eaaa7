# SPDX-License-Identifier: Apache-2.0
"""What has gone wrong in the field with fleets of sleeping machines, one test each.

Numbers are issues of threefoldtech/zos where nothing else is said. Failures that another file has a test for are
listed here with its name, so that none is forgotten:

- 2018, `down` reported by a machine that cannot sleep: test_target.test_down_is_never_reported_while_it_cannot_be_woken
- 2332, off without a last report: test_target.test_it_reports_first_then_obeys_in_order, and Segment._sleep
- grid_wiki 1303, one manager fails: test_segment.test_the_sender_dies_and_another_takes_over
- more than one network card ends the start: test_wake_ability.test_several_cards_one_proven_is_enough
- wake packets without election or end: test_wake_sender.test_one_sender_per_attempt_and_an_end
- demand larger than one machine is never met: test_plan.test_a_demand_larger_than_any_machine_is_met_by_several
"""

from __future__ import annotations

import msgspec
import pytest

from agent.fleet.node import documents
from agent.fleet.node.actions import Burst, Publish
from agent.fleet.node.core import NodeCore, Seen, Settings
from agent.fleet.node.desired import Remembered
from agent.fleet.node.documents import Direction, Gone, Heartbeat, Report, Target, encode
from agent.fleet.node.peers import SILENT_AFTER, Peers
from agent.fleet.node.target import OWN_NODE, Identity
from agent.fleet.node.topics import Leaf
from agent.fleet.node.wake_ability import WakeAbility
from tests.agent.fleet.node.reports import report_of
from tests.agent.fleet.node.segment import Faults, Power, Segment

S = 1_000_000_000
UP, DOWN = Direction.UP, Direction.DOWN
ABLE = WakeAbility(("02:00:00:00:00:01",), "")


def core(now_ns: int = 0) -> NodeCore:
    return NodeCore(Identity("bee", "hall", "k"), Settings(OWN_NODE), Remembered(), now_ns)


def report(node: str, state: Direction) -> Report:
    return report_of(node, state, target=state, macs=("02:00:00:00:00:02",))


def test_2269_the_one_awake_node_missed_that_another_should_wake() -> None:
    """Nothing waits for the moment of the change: the next look at what is retained finds it."""
    segment = Segment(["ant", "bee"], 11, Faults(loss=0.0, packet_loss=0.0))
    for name in ("ant", "bee"):
        segment.want(name, UP)
    segment.run(600)
    segment.want("bee", DOWN)
    segment.run(600)
    assert segment.power_of("bee") is Power.OFF
    segment.faults.loss = 1.0
    segment.want("bee", UP)
    segment.run(10)
    segment.faults.loss = 0.0
    segment.run(900)
    assert segment.power_of("bee") is Power.RUNNING


def test_2029_2272_1914_no_document_carries_the_time_of_day() -> None:
    """Whatever the clocks of nodes show, nothing is ordered by them: there is nothing to order by."""
    kinds = [
        kind for kind in vars(documents).values() if isinstance(kind, type) and issubclass(kind, documents.Document)
    ]
    fields = {field.name for kind in kinds for field in msgspec.structs.fields(kind)}
    assert {"revision", "start", "number"} <= fields
    times = {name for name in fields if name.endswith("_ns") or "time" in name or "date" in name or "stamp" in name}
    assert times == {"uptime_ns", "interval_ns", "stay_ns"}


@pytest.mark.parametrize(
    "seen",
    [
        Seen(0, WakeAbility((), "eth0 has no link"), ()),
        Seen(0, ABLE, None),
        Seen(0, ABLE, ("ssh",), "pinned"),
        Seen(0, ABLE, (), actual=None),
    ],
)
def test_2377_whatever_is_wrong_with_it_a_node_that_has_woken_says_so(seen: Seen) -> None:
    said = [action.document for action in core().step(0, seen) if isinstance(action, Publish)]
    assert [type(document) for document in said] == [Report, Heartbeat]


def test_a_disk_that_cannot_be_written_stops_no_heartbeat() -> None:
    """powerd skips its uptime reports when its cache is read-only."""
    node = core()  # nothing is ever said to be persisted
    beats = 0
    for second in range(600):
        actions = node.step(second * S, Seen(second * S, ABLE, ()))
        beats += sum(isinstance(action, Publish) and isinstance(action.document, Heartbeat) for action in actions)
    assert beats >= 10


def test_2328_1941_a_crash_is_known_within_three_heartbeats_and_at_once_by_the_will() -> None:
    peers = Peers("hall")
    beat = Heartbeat(node="ant", segment="hall", boot="k", start=1, number=1, uptime_ns=0, interval_ns=60 * S)
    peers.report(report("ant", UP), 0, retained=False)
    peers.heartbeat(beat, 0, retained=False)
    ant = peers.get("ant")
    assert ant is not None
    assert not ant.missing(SILENT_AFTER * 60 * S - 1)
    assert ant.missing(SILENT_AFTER * 60 * S)
    peers.gone(Gone(node="ant", segment="hall", boot="k", start=1), 5)
    ant = peers.get("ant")
    assert ant is not None
    assert ant.missing(6)


def test_wolnut_12_after_mains_returns_the_switches_get_their_time() -> None:
    node = core()
    for leaf, document in [
        (Leaf.TARGET, Target(node="ant", target=UP, revision=2)),
        (Leaf.REPORT, report("ant", DOWN)),
    ]:
        node.receive(leaf, "ant", encode(document), 0, retained=True)
    bursts = []
    for second in range(60):
        for action in node.step(second * S, Seen(second * S, ABLE, ())):
            match action:
                case Publish(Report() as mine):
                    node.receive(Leaf.REPORT, "bee", encode(mine), second * S, retained=False)
                case Burst():
                    bursts.append(second)
    assert bursts == [30]


def test_a_machine_that_cannot_sleep_is_not_rebooted_in_its_place() -> None:
    """powerd reboots where a shutdown is not supported; here it stays up, with a reason."""
    segment = Segment(["ant", "bee"], 12, Faults(loss=0.0, hang=1.0))
    segment.want("ant", UP)
    segment.want("bee", DOWN)
    segment.run(4 * 3600)
    assert segment.boxes["bee"].boots == 1
    last = segment.report_of("bee")
    assert last.state is UP
    assert last.reason
