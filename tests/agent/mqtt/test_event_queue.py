# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.event_queue import EventRecord, MemoryEventQueue


def record(number: int, size: int = 10) -> EventRecord:
    return EventRecord(f"{number:08d}", b"x" * size)


def taken(queue: MemoryEventQueue) -> list[str]:
    ids = []
    while (one := queue.take()) is not None:
        ids.append(one.id)
    return ids


def test_in_order_and_again_after_a_rewind() -> None:
    queue = MemoryEventQueue()
    for number in range(5):
        queue.put(record(number))
    assert taken(queue) == [record(n).id for n in range(5)]
    queue.retire(record(1).id)
    queue.rewind()
    assert taken(queue) == [record(n).id for n in (0, 2, 3, 4)]
    assert len(queue) == 4


def test_bounded_by_number_and_bytes() -> None:
    queue = MemoryEventQueue(max_records=3)
    for number in range(5):
        queue.put(record(number))
    assert queue.dropped == 2
    assert taken(queue) == [record(n).id for n in (2, 3, 4)]
    queue = MemoryEventQueue(max_bytes=100)
    for number in range(5):
        queue.put(record(number, 30))
    assert queue.dropped == 2
    assert len(queue) == 3


def test_retiring_twice_or_the_unknown_is_harmless() -> None:
    queue = MemoryEventQueue()
    queue.put(record(1))
    queue.take()
    for _ in range(2):
        queue.retire(record(1).id)
        queue.retire("unknown")
    assert len(queue) == 0


@given(st.lists(st.sampled_from(["put", "take", "retire", "rewind"]), max_size=80))
def test_nothing_is_lost_or_reordered(steps: list[str]) -> None:
    queue = MemoryEventQueue(max_records=8)
    put = 0
    held: list[str] = []
    retired: set[str] = set()
    for step in steps:
        if step == "put":
            queue.put(record(put))
            put += 1
        elif step == "take" and (one := queue.take()) is not None:
            held.append(one.id)
            assert held == sorted(held)
        elif step == "retire" and held:
            retired.add(held[0])
            queue.retire(held.pop(0))
        elif step == "rewind":
            queue.rewind()
            held.clear()
    queue.rewind()
    rest = taken(queue)
    assert rest == sorted(rest)
    assert not retired & set(rest)
    assert put - queue.dropped <= len(retired) + len(rest) <= put
    assert len(rest) <= 8
