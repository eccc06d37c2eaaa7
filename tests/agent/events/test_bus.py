# SPDX-License-Identifier: Apache-2.0
"""The event bus: id first, then the journal, then the subscribers, in order, whatever fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.events.bus import EventBus
from agent.events.catalog import CATALOG
from agent.events.event import EventKind, rfc3339_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.events.event import Event


class SlowJournal:
    """Remembers what was written, after a pause; can fail."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.broken = False

    async def write(self, events: Sequence[Event]) -> None:
        await asyncio.sleep(0.01)
        if self.broken:
            raise OSError("disk full")
        self.written += [event.id for event in events]


def test_events_are_written_before_they_are_told_and_in_order() -> None:
    async def scenario() -> None:
        journal = SlowJournal()
        bus = EventBus(journal, 7, "boot")
        bus.start()
        subscription = bus.subscribe("test")
        emitted = [bus.emit(EventKind.HOST_ON, "host/0", "0").id for _ in range(5)]
        told = []
        for _ in emitted:
            event = await subscription.get()
            assert event.id in journal.written
            told.append(event.id)
        assert told == emitted == sorted(emitted) == journal.written
        assert emitted[0] == "00000007-0000000001"
        await bus.close()

    asyncio.run(scenario())


def test_a_broken_journal_is_counted_and_events_are_told_all_the_same() -> None:
    async def scenario() -> None:
        journal = SlowJournal()
        journal.broken = True
        bus = EventBus(journal, 1, "boot")
        bus.start()
        subscription = bus.subscribe("test")
        bus.emit(EventKind.HOST_OFF, "host/0", "0")
        assert (await subscription.get()).kind is EventKind.HOST_OFF
        assert bus.journal_failures == 1
        await bus.close()

    asyncio.run(scenario())


def test_a_subscriber_that_lags_loses_its_oldest_and_knows_it() -> None:
    async def scenario() -> None:
        bus = EventBus(SlowJournal(), 1, "boot")
        bus.start()
        slow = bus.subscribe("slow", capacity=2)
        for _ in range(5):
            bus.emit(EventKind.HOST_ON, "host/0", "0")
        await bus.drain()
        assert slow.dropped == 3
        assert [(await slow.get()).seq, (await slow.get()).seq] == [4, 5]
        slow.close()
        await bus.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_has_its_place_in_the_catalogue(kind: EventKind) -> None:
    entry = CATALOG[kind]
    assert entry.text.format(*"abcdefgh").endswith(".")
    assert entry.message_id.count(".") >= 3


def test_times_are_rfc3339_with_milliseconds() -> None:
    assert rfc3339_ms(1_790_000_000_007) == "2026-09-21T14:13:20.007Z"
    assert rfc3339_ms(0) == "1970-01-01T00:00:00.000Z"
