# SPDX-License-Identifier: Apache-2.0
"""What the automation believes of machines and of waiting work, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.fleet.bus import Message
from agent.fleet.farm.memory_file import Kept, MemoryFile, merged, told
from agent.fleet.farm.model import Memory, Resource
from agent.fleet.farm.tables import FarmTable, farm_file
from agent.fleet.farm.view import LOAD_HOLDS_NS, LOAD_UNKNOWN, FarmView
from agent.fleet.farm.waiting_work import BEGINS_NS, MAX_SOURCES, WaitingWork, source_of
from agent.fleet.node.documents import (
    MAX_BYTES,
    MAX_COUNT,
    Asker,
    Condition,
    Direction,
    Document,
    Gone,
    Heartbeat,
    Load,
    Report,
    Target,
    encode,
)
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.topics import Leaf, topic

S = 1_000_000_000
UP, DOWN = Direction.UP, Direction.DOWN
TABLE = {"nodes": {"bee": {"segment": "hall", "cpu": 10, "memory": 100}, "ant": {"segment": "attic"}}}
SAID: dict[str, Any] = {"node": "bee", "segment": "hall", "boot": "b", "start": 1}


def view(now_ns: int = 0) -> FarmView:
    return FarmView(farm_file(msgspec.convert(TABLE, FarmTable), (), []), now_ns)


def message(document: Document, leaf: Leaf, *, segment: str = "hall", retained: bool = False) -> Message:
    return Message(topic(segment, document.node, leaf), encode(document), retained)


def report(state: Direction | None = UP, number: int = 1, **more: Any) -> Report:
    fixed: dict[str, Any] = {"condition": Condition.ON, "target": None, "revision": 0, "able": True, "sends": True}
    return Report(**{**SAID, **fixed, "number": number, "state": state, **more})


def load(number: int = 1, **more: Any) -> Load:
    return Load(**{**SAID, "number": number, "cpu": 0.5, "memory": 0.25, **more})


def target(revision: int, asked_by: Asker = Asker.AUTOMATION, wanted: Direction = UP) -> Target:
    return Target(node="bee", target=wanted, revision=revision, asked_by=asked_by)


def test_a_machine_is_what_it_says_until_it_should_have_said_more() -> None:
    seen = view()
    seen.hear(message(report(), Leaf.REPORT, retained=True), 0)
    assert [node.state for node in seen.nodes(S)] == [None, UP]
    assert [node.state for node in seen.nodes(181 * S)] == [None, None]
    beat = Heartbeat(**SAID, number=1, uptime_ns=S, interval_ns=60 * S)
    seen.hear(message(beat, Leaf.ALIVE), 200 * S)
    bee = seen.nodes(300 * S)[1]
    assert (bee.state, bee.seen_ns, bee.changed_ns) == (UP, 200 * S, 200 * S)
    seen.hear(message(Gone(node="bee", segment="hall", boot="b", start=1), Leaf.ALIVE), 301 * S)
    assert seen.nodes(301 * S)[1].state is None
    assert seen.seen_ns() == {"bee": 200 * S, "ant": 0}


def test_who_was_cut_off_for_long_believes_what_the_broker_has_kept_until_it_should_have_heard_more() -> None:
    seen = view()
    seen.hear(message(report(), Leaf.REPORT), 0)
    beat = Heartbeat(**SAID, number=9, uptime_ns=S, interval_ns=60 * S)
    for word, leaf in ((report(), Leaf.REPORT), (beat, Leaf.ALIVE)):
        seen.hear(message(word, leaf, retained=True), 600 * S)
    bee = seen.nodes(601 * S)[1]
    assert (bee.state, bee.changed_ns) == (UP, None)
    assert seen.nodes(781 * S)[1].state is None


def test_a_machine_whose_load_is_not_known_is_in_use() -> None:
    seen = view()
    seen.hear(message(report(), Leaf.REPORT), 0)
    seen.hear(message(load(), Leaf.LOAD, retained=True), 0)  # of any age
    bee = seen.nodes(S)[1]
    assert bee.busy == LOAD_UNKNOWN
    assert bee.used == {Resource.CPU: 8, Resource.MEMORY: 80}
    seen.hear(message(load(2), Leaf.LOAD), S)
    bee = seen.nodes(2 * S)[1]
    assert bee.busy == "its processors are 50% busy"
    assert bee.used == {Resource.CPU: 5, Resource.MEMORY: 25}
    seen.hear(message(load(3, busy="in use by bob"), Leaf.LOAD), 3 * S)
    assert seen.nodes(4 * S)[1].busy == "in use by bob"
    beat = Heartbeat(**SAID, number=2, uptime_ns=S, interval_ns=60 * S)
    seen.hear(message(beat, Leaf.ALIVE), 180 * S)
    assert seen.nodes(3 * S + LOAD_HOLDS_NS)[1].busy == LOAD_UNKNOWN
    seen.hear(message(report(DOWN, 2), Leaf.REPORT), 250 * S)
    bee = seen.nodes(250 * S)[1]
    assert (bee.used, bee.busy, bee.changed_ns) == ({}, "", 250 * S)


def test_a_machine_is_unused_when_its_processors_have_been_idle_for_a_while() -> None:
    seen = view()
    seen.hear(message(report(), Leaf.REPORT), 0)
    busy = []
    for minute in range(40):
        now_ns = minute * 60 * S
        seen.hear(message(load(minute + 1, cpu=0.9 if minute == 20 else 0.1), Leaf.LOAD), now_ns)
        beat = Heartbeat(**SAID, number=minute + 1, uptime_ns=S, interval_ns=60 * S)
        seen.hear(message(beat, Leaf.ALIVE), now_ns)
        busy.append(seen.nodes(now_ns)[1].busy)
    assert busy[:15] == ["it was not seen idle for 15 min yet"] * 15
    assert busy[15:20] == [""] * 5
    assert busy[20] == "its processors are 90% busy"
    assert busy[21:36] == ["it was not seen idle for 15 min yet"] * 15
    assert busy[36:] == [""] * 4


def test_a_host_of_a_board_need_not_say_its_load() -> None:
    seen = view()
    seen.hear(message(report(sends=False), Leaf.REPORT), 0)
    bee = seen.nodes(S)[1]
    assert (bee.used, bee.busy, bee.sends, bee.able) == ({}, "", False, True)


@pytest.mark.parametrize(
    ("document", "leaf", "segment", "because"),
    [
        (load(node="eve"), Leaf.LOAD, "hall", RefusedBecause.UNKNOWN_NODE),
        (load(), Leaf.LOAD, "attic", RefusedBecause.UNKNOWN_NODE),
        (load(segment="attic"), Leaf.LOAD, "hall", RefusedBecause.OTHER_SEGMENT),
        (load(cpu=1.5), Leaf.LOAD, "hall", RefusedBecause.MALFORMED),
        (load(cpu=-0.1), Leaf.LOAD, "hall", RefusedBecause.MALFORMED),
        (load(0), Leaf.LOAD, "hall", RefusedBecause.MALFORMED),
        (report(node="eve"), Leaf.REPORT, "hall", RefusedBecause.UNKNOWN_NODE),
        (report(), Leaf.LOAD, "hall", RefusedBecause.MALFORMED),
    ],
)
def test_what_is_not_believed_is_counted(document: Document, leaf: Leaf, segment: str, because: RefusedBecause) -> None:
    seen = view()
    seen.hear(message(document, leaf, segment=segment), 0)
    assert dict(seen.refusals.count) == {because: 1}
    assert all(node.state is None and not node.used for node in seen.nodes(S))


def test_a_load_that_is_played_back_is_stale() -> None:
    seen = view()
    seen.hear(message(report(), Leaf.REPORT), 0)
    seen.hear(message(load(2), Leaf.LOAD), 0)
    for number in (1, 2):
        seen.hear(message(load(number, cpu=0.0), Leaf.LOAD), S)
    assert seen.refusals.count == {RefusedBecause.STALE: 2}
    assert seen.nodes(S)[1].used[Resource.CPU] == 5


def test_a_person_who_writes_the_same_revision_as_another_is_not_written_over() -> None:
    seen = view()
    seen.hear(message(target(7, wanted=DOWN), Leaf.TARGET), 0)
    assert not seen.nodes(0)[1].manual
    seen.hear(message(target(7, Asker.PERSON), Leaf.TARGET), 0)
    assert seen.nodes(0)[1].manual
    assert list(seen.contested()) == ["bee"]
    seen.hear(message(target(8), Leaf.TARGET), 0)
    assert not seen.nodes(0)[1].manual
    seen.hear(message(target(9, Asker.PERSON), Leaf.TARGET), 0)
    assert seen.nodes(0)[1].manual


def test_revisions_go_on_above_all_that_is_known_and_have_an_end() -> None:
    seen = view()
    assert seen.next_revision("bee") == 1
    seen.hear(message(report(revision=41), Leaf.REPORT), 0)
    seen.hear(message(target(7), Leaf.TARGET), 0)
    assert seen.next_revision("bee") == 42
    seen.hear(message(target(MAX_COUNT), Leaf.TARGET), 0)
    assert seen.next_revision("bee") is None


@given(
    st.binary(max_size=200), st.sampled_from(["hall/bee/load", "hall/bee/report", "hall/x/load", "hall", "kv/a/load"])
)
def test_any_bytes_change_nothing(payload: bytes, where: str) -> None:
    seen = view()
    seen.hear(Message(f"pgood/fleet/{where}", payload), 0)
    assert [node.state for node in seen.nodes(0)] == [None, None]


# ---------------------------------------------------------------------- waiting work


def test_demands_add_up_and_run_out() -> None:
    work = WaitingWork()
    assert work.hear(b'{"type":"demand","source":"a","cpu":3,"for_s":60}', "a", 0) is None
    assert work.hear(b'{"type":"demand","source":"b","cpu":4,"memory":2,"for_s":10}', "b", 0) is None
    assert work.total(S)[Resource.CPU] == 7
    assert work.total(11 * S) == {**dict.fromkeys(Resource, 0.0), Resource.CPU: 3}
    assert work.hear(b"", "a", 12 * S) is None
    assert work.now(12 * S) == {}


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"cpu": -1}, RefusedBecause.MALFORMED),
        ({"cpu": 1e300}, RefusedBecause.MALFORMED),
        ({"cpu": "many"}, RefusedBecause.MALFORMED),
        ({"for_s": 1e9}, RefusedBecause.MALFORMED),
        ({"gpu": 1}, RefusedBecause.MALFORMED),
        ({"source": "b"}, RefusedBecause.OTHER_NODE),
        ({"source": "x" * MAX_BYTES}, RefusedBecause.TOO_LARGE),
    ],
)
def test_a_demand_that_is_none(change: dict[str, Any], because: RefusedBecause) -> None:
    work = WaitingWork()
    document = {"type": "demand", "source": "a", "cpu": 1, "for_s": 60, **change}
    refusal = work.hear(json.dumps(document).encode(), "a", 0)
    assert isinstance(refusal, Refusal)
    assert refusal.because is because
    assert work.hear(b'{"type":"demand","source":"a","cpu":NaN,"for_s":60}', "a", 0) is not None
    assert work.now(0) == {}


def test_sources_have_an_end() -> None:
    work = WaitingWork()
    for number in range(MAX_SOURCES):
        name = f"s{number}"
        assert work.hear(json.dumps({"type": "demand", "source": name, "for_s": 60}).encode(), name, 0) is None
    refusal = work.hear(b'{"type":"demand","source":"a","for_s":60}', "a", 0)
    assert isinstance(refusal, Refusal)
    assert refusal.because is RefusedBecause.TOO_MANY
    assert work.hear(b'{"type":"demand","source":"a","for_s":60}', "a", 61 * S) is None


def test_work_that_is_taken_off_the_list_may_have_begun() -> None:
    work = WaitingWork()
    for cpu in (3, 4, 4):
        assert work.hear(f'{{"type":"demand","source":"a","cpu":{cpu},"for_s":60}}'.encode(), "a", 0) is None
    assert not work.begins(S)
    assert work.hear(b'{"type":"demand","source":"a","cpu":2,"for_s":60}', "a", 2 * S) is None
    assert work.begins(2 * S)
    assert not work.begins(2 * S + BEGINS_NS)
    assert work.hear(b"", "a", 300 * S) is None
    assert not work.begins(300 * S), "it had run out"
    assert work.hear(b'{"type":"demand","source":"a","cpu":2,"for_s":60}', "a", 300 * S) is None
    assert work.hear(b"", "a", 301 * S) is None
    assert work.begins(302 * S)


def test_topics_of_demand() -> None:
    assert source_of("pgood/fleet/hall/demand/batch", "hall") == "batch"
    for wrong in ("pgood/fleet/attic/demand/batch", "pgood/fleet/hall/demand/", "pgood/fleet/hall/demand/a/b", "x"):
        assert source_of(wrong, "hall") is None


# ---------------------------------------------------------------------- memory


def test_memory_outlives_the_program_and_its_times_end_with_the_boot(tmp_path: Any) -> None:
    memory = Memory({"bee": "2026-03-01"}, {"ant": "2026-03-02"}, {"bee": 5}, {"ant": 6}, {"eel": 7})
    file = MemoryFile(tmp_path / "farm.json", "boot-1")
    assert file.read() == Kept()
    file.write(memory, {"bee": 9})
    assert file.read() == Kept(memory, {"bee": 9})
    assert MemoryFile(file.file, "boot-2").read() == Kept(Memory(memory.daily, memory.random))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format":2}', b"\xff"])
def test_a_damaged_memory_is_none(tmp_path: Any, content: bytes) -> None:
    file = MemoryFile(tmp_path / "farm.json", "boot")
    file.file.write_bytes(content)
    assert file.read() == Kept()


def test_the_later_date_counts_and_what_is_no_word_changes_nothing() -> None:
    ours = Memory({"bee": "2026-03-01", "ant": "2026-03-05"}, {})
    other = Memory({"bee": "2026-03-02", "ant": "2026-03-04", "eel": "2026-01-01"}, {"bee": "2026-02-01"})
    found = merged(ours, told(other))
    assert found.daily == {"bee": "2026-03-02", "ant": "2026-03-05", "eel": "2026-01-01"}
    assert found.random == {"bee": "2026-02-01"}
    for wrong in (b"", b"[]", b'{"daily":5}', b"\xff" * 9):
        assert merged(ours, wrong) == ours
