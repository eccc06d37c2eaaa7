# SPDX-License-Identifier: Apache-2.0
"""What is published next, against a link in memory: order, window, bounds, refusals."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.events.event import Event, EventKind, Severity
from agent.mqtt import publisher as module
from agent.mqtt.event_queue import MemoryEventQueue
from agent.mqtt.message import Outgoing
from agent.mqtt.publisher import MAX_ANSWERS, Publisher
from agent.mqtt.telemetry import Pace, Telemetry
from tests.agent.mqtt.boards import MemoryBoard
from tests.agent.mqtt.brokers import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest

    from agent.mqtt.link import Link

BASE = "pgood/x"
QUOTA_EXCEEDED, NOT_AUTHORISED = 0x97, 0x87


class MemoryLink:
    """Acknowledges when told to."""

    def __init__(self, window: int = 20) -> None:
        self.window = window
        self.sent: list[Outgoing] = []
        self._waiting: list[Callable[[int], None]] = []

    @property
    def unsettled(self) -> int:
        return len(self._waiting)

    def publish(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        if len(message.payload) > 10_000:
            raise ValueError("more than the broker takes")
        self.sent.append(message)
        self._waiting.append(settled)

    def settle(self, code: int = 0) -> None:
        """The oldest is acknowledged."""
        self._waiting.pop(0)(code)

    def settle_all(self) -> None:
        while self._waiting:
            self.settle()

    def topics(self) -> list[str]:
        return [message.topic.removeprefix(BASE + "/") for message in self.sent]


def event(number: int, kind: EventKind = EventKind.HOST_ON) -> Event:
    return Event(f"{number:08d}", "b", number, 0, 0, kind, "host/0", Severity.OK, "", "", ())


def ids(link: MemoryLink) -> list[str]:
    return [json.loads(message.payload)["id"] for message in link.sent if message.topic.endswith("/event")]


class Bench:
    def __init__(self, queue: MemoryEventQueue | None = None) -> None:
        self.board = MemoryBoard()
        self.events = queue or MemoryEventQueue()
        self.publisher = Publisher(BASE, self.board, self.events)
        self.telemetry = Telemetry(BASE, self.board, self.publisher, dict, Pace(0.5, 0.0))
        self.board.watch(self.publisher.changed)
        self.link = MemoryLink()

    def up(self, window: int = 20) -> MemoryLink:
        self.link = MemoryLink(window)
        self.publisher.link_up(cast("Link", self.link))
        self.telemetry.link_up()
        return self.link


def on_a_bench(test: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(Bench())

    asyncio.run(run())


ORDER = ["status", "info", "host/0/state", "psu/1/state", "redundancy/state", "policies/state"]


def test_availability_documents_answers_events() -> None:
    async def test(bench: Bench) -> None:
        bench.publisher.event(event(1))
        link = bench.up()
        assert link.topics() == [*ORDER, "event"]
        assert [message.retain for message in link.sent] == [True] * 6 + [False]
        assert {message.qos for message in link.sent} == {1}
        assert not bench.publisher.idle
        link.settle_all()
        assert bench.publisher.idle
        assert bench.publisher.published == 7

    on_a_bench(test)


def test_the_window_is_kept() -> None:
    async def test(bench: Bench) -> None:
        link = bench.up(window=2)
        assert link.topics() == ORDER[:2]
        link.settle()
        assert link.topics() == ORDER[:3]
        link.settle_all()
        assert link.topics() == ORDER

    on_a_bench(test)


def test_only_the_newest_state_of_a_document_waits() -> None:
    async def test(bench: Bench) -> None:
        link = bench.up(window=1)
        for _ in range(11):
            bench.board.powered = not bench.board.powered
            bench.board.tell("host/0")
            await asyncio.sleep(0)
        link.settle_all()
        states = [message.payload for message in link.sent if message.topic.endswith("host/0/state")]
        assert states == [b'{"state":"on","powered":true}']

    on_a_bench(test)


def test_changes_while_away_are_told_on_return() -> None:
    async def test(bench: Bench) -> None:
        bench.up().settle_all()
        bench.publisher.link_down()
        bench.board.powered = True
        bench.board.tell("host/0")
        await asyncio.sleep(0)
        link = bench.up()
        link.settle_all()
        assert link.topics() == ORDER
        assert link.sent[2].payload == b'{"state":"on","powered":true}'

    on_a_bench(test)


def test_unacknowledged_events_come_again_in_order() -> None:
    async def test(bench: Bench) -> None:
        bench.up().settle_all()
        for number in range(5):
            bench.publisher.event(event(number))
        bench.link.settle()
        bench.publisher.link_down()
        assert len(bench.events) == 4
        link = bench.up()
        link.settle_all()
        assert ids(link) == [f"{n:08d}" for n in (1, 2, 3, 4)]
        assert len(bench.events) == 0

    on_a_bench(test)


def test_a_quota_is_waited_for_and_a_ban_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRY_LATER_S", 0.05)

    async def test(bench: Bench) -> None:
        bench.up().settle_all()
        bench.publisher.event(event(1))
        bench.link.settle(QUOTA_EXCEEDED)
        bench.publisher.event(event(2))
        assert ids(bench.link) == ["00000001"]
        await eventually(lambda: len(ids(bench.link)) == 3)
        assert ids(bench.link) == ["00000001", "00000001", "00000002"]
        bench.link.settle(NOT_AUTHORISED)
        bench.link.settle()
        assert len(bench.events) == 0
        assert bench.publisher.refused == 2
        assert "0x87" in bench.publisher.last_refusal

    on_a_bench(test)


def test_answers_are_bounded_and_not_kept_without_a_broker() -> None:
    async def test(bench: Bench) -> None:
        bench.publisher.answer(Outgoing("a", b""))
        assert bench.publisher.dropped_answers == 1
        link = bench.up(window=1)
        for number in range(MAX_ANSWERS + 5):
            bench.publisher.answer(Outgoing("a", str(number).encode()))
        assert bench.publisher.dropped_answers == 6
        link.settle_all()
        answers = [message.payload for message in link.sent if message.topic == "a"]
        assert answers == [str(number).encode() for number in range(5, MAX_ANSWERS + 5)]

    on_a_bench(test)


def test_telemetry_waits_for_nobody() -> None:
    async def test(bench: Bench) -> None:
        bench.telemetry.sample()
        link = bench.up()
        link.settle_all()
        link.sent.clear()
        for _ in range(3):
            bench.telemetry.sample()
        assert link.topics() == ["telemetry", "telemetry/msgpack"]
        assert bench.telemetry.skipped == 2
        link.settle_all()
        bench.telemetry.sample()
        assert json.loads(link.sent[2].payload)["seq"] == 2

    on_a_bench(test)


def test_what_the_broker_cannot_take_is_refused_and_blocks_nothing() -> None:
    async def test(bench: Bench) -> None:
        bench.board.readings = {"x": "y" * 20_000}
        link = bench.up()
        link.settle_all()
        bench.telemetry.sample()
        assert bench.publisher.refused == 2
        assert bench.publisher.idle
        bench.board.readings = {}
        bench.telemetry.sample()
        assert link.topics()[-2:] == ["telemetry", "telemetry/msgpack"]

    on_a_bench(test)


STEPS = st.sampled_from(["event", "ack", "up", "down", "change", "answer", "telemetry"])


@settings(deadline=None)
@given(st.lists(STEPS, max_size=60), st.integers(1, 4))
def test_no_event_is_lost_whatever_the_broker_does(steps: list[str], window: int) -> None:
    async def run() -> None:
        bench = Bench()
        links: list[MemoryLink] = []
        emitted: list[str] = []
        up = False
        for step in [*steps, "down", "up"]:
            if step == "event":
                emitted.append(f"{len(emitted):08d}")
                bench.publisher.event(event(len(emitted) - 1))
            elif step == "ack" and up and bench.link.unsettled:
                bench.link.settle()
            elif step == "up" and not up:
                links.append(bench.up(window))
                up = True
            elif step == "down" and up:
                bench.publisher.link_down()
                up = False
            elif step == "change":
                bench.board.powered = not bench.board.powered
                bench.board.tell("host/0")
                await asyncio.sleep(0)
            elif step == "answer":
                bench.publisher.answer(Outgoing("a", b""))
            elif step == "telemetry":
                bench.telemetry.sample()
            assert bench.link.unsettled <= window + 2  # two telemetry messages do not wait for the window
        bench.link.settle_all()
        assert len(bench.events) == 0
        seen = [one for link in links for one in ids(link)]
        assert sorted(set(seen)) == emitted
        for link in links:
            assert ids(link) == sorted(ids(link))

    asyncio.run(run())
