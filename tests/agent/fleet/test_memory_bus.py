# SPDX-License-Identifier: Apache-2.0
"""The broker in memory keeps the promises of the interface, and misbehaves only as told."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from agent.fleet.bus import SECOND_NS, BusError, Message, RevisionMismatch, matches
from agent.fleet.memory_bus import DRIFT, MemoryBroker, Weather

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.mark.parametrize(
    ("pattern", "topic", "matched"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "b", False),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("a/b", "a", False),
        ("a", "a/b", False),
    ],
)
def test_patterns(pattern: str, topic: str, matched: bool) -> None:
    assert matches(pattern, topic) is matched


async def take(messages: AsyncIterator[Message], count: int) -> list[Message]:
    return [await asyncio.wait_for(anext(messages), 1) for _ in range(count)]


async def gone_quiet(messages: AsyncIterator[Message]) -> bool:
    reading = asyncio.ensure_future(anext(messages))
    await asyncio.sleep(0.01)
    quiet = not reading.done()
    reading.cancel()
    return quiet


def test_retained_first_then_what_comes() -> None:
    async def run() -> None:
        broker = MemoryBroker(random.Random(1))
        bus = broker.connect("a")
        await bus.publish("x/1", b"old", retain=True)
        await bus.publish("x/2", b"gone", retain=True)
        await bus.publish("x/2", b"", retain=True)
        messages = bus.subscribe("x/#")
        await bus.publish("x/3", b"new")
        broker.advance(1)
        assert await take(messages, 2) == [Message("x/1", b"old", True), Message("x/3", b"new")]
        assert await gone_quiet(messages)

    asyncio.run(run())


def test_bad_weather() -> None:
    async def run() -> None:
        broker = MemoryBroker(random.Random(1), Weather(duplication=1.0, least_delay_ns=0, most_delay_ns=1000))
        bus = broker.connect("a")
        messages = bus.subscribe("#")
        for number in range(20):
            await bus.publish("x", str(number).encode())
        broker.advance(1000)
        payloads = [int(message.payload) for message in await take(messages, 40)]
        assert sorted(payloads) == sorted([*range(20), *range(20)])
        assert payloads != sorted(payloads)
        broker.weather = Weather(loss=1.0)
        await bus.publish("x", b"never")
        broker.advance(1000)
        assert await gone_quiet(messages)
        assert broker.lost == 1

    asyncio.run(run())


def test_a_partition_stops_both_ways() -> None:
    async def run() -> None:
        broker = MemoryBroker(random.Random(1))
        near, far = broker.connect("near"), broker.connect("far")
        messages = far.subscribe("#")
        broker.cut_off.add("far")
        await near.publish("x", b"1")
        broker.advance(1)
        with pytest.raises(BusError, match="far does not reach the broker"):
            await far.publish("x", b"2")
        assert await gone_quiet(messages)

    asyncio.run(run())


def test_one_holder_at_a_time_and_revisions_rise() -> None:
    async def run() -> None:
        broker = MemoryBroker(random.Random(1), now_ns=5 * SECOND_NS)
        one = broker.connect("one", clock=lambda: 77)
        two = broker.connect("two")
        held = await one.lease("lead", 10)
        assert held is not None
        assert (held.holder, held.revision, held.until_ns) == ("one:1", 1, 77 + round(10 * SECOND_NS * (1 - DRIFT)))
        assert await two.lease("lead", 10) is None
        broker.advance(9 * SECOND_NS)
        renewed = await one.lease("lead", 10)
        assert renewed is not None
        assert renewed.revision == 1
        broker.advance(10 * SECOND_NS)
        taken = await two.lease("lead", 10)
        assert taken is not None
        assert taken.revision == 2
        await one.release("lead")
        assert await one.lease("lead", 10) is None
        await two.release("lead")
        again = await two.lease("lead", 10)
        assert again is not None
        assert again.revision == 3, "what may have been held by another in between is a new lease"

    asyncio.run(run())


def test_keys_are_compared_before_they_are_written() -> None:
    async def run() -> None:
        broker = MemoryBroker(random.Random(1))
        bus = broker.connect("a")
        assert await bus.get("k") is None
        first = await bus.put("k", b"1", revision=0)
        second = await bus.put("k", b"2", revision=first)
        with pytest.raises(RevisionMismatch, match="read it again"):
            await bus.put("k", b"3", revision=first)
        await bus.delete("k")
        assert await bus.get("k") is None
        assert await bus.put("k", b"4", revision=0) > second
        broker.down = True
        with pytest.raises(BusError):
            await bus.get("k")

    asyncio.run(run())
