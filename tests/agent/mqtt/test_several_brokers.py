# SPDX-License-Identifier: Apache-2.0
"""Brokers in order of preference: the decision alone, and with two real ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from agent.events.event import EventKind
from agent.mqtt import retry
from agent.mqtt.broker_choice import BrokerChoice
from agent.mqtt.ending import Ending, EndingKind
from agent.mqtt.retry import Version
from agent.mqtt.url import parse_url
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually, retained
from tests.agent.mqtt.faces import BASE, running

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

AWAY = Ending(EndingKind.UNREACHABLE, "away")
REFUSED = Ending(EndingKind.REFUSED, "refused")
LONG = Ending(EndingKind.LOST, "lost", 3600.0)


def choice(count: int = 3) -> BrokerChoice:
    return BrokerChoice(count, lambda: 0.0)


def test_the_next_one_is_tried_at_once_and_the_round_waits() -> None:
    brokers = choice()
    tried = []
    for _ in range(3):
        number, wait_s = brokers.next(0.0)
        tried.append((number, wait_s))
        brokers.ended(number, AWAY, Version.V5, 0.0)
    assert tried == [(0, 0.0), (1, 0.0), (2, 0.0)]
    assert brokers.next(0.0) == (0, 1.0)
    assert brokers.next(1.5) == (0, 0.0)


def test_one_that_refuses_is_not_asked_again_soon() -> None:
    brokers = choice(2)
    brokers.ended(0, REFUSED, Version.V5, 0.0)
    for now_s in range(0, 50, 10):
        number, wait_s = brokers.next(float(now_s))
        assert (number, wait_s) == (1, 0.0)
        brokers.ended(1, LONG, Version.V5, now_s)
        assert brokers.better(1, float(now_s)) == []
    assert brokers.better(1, 61.0) == [0]


def test_another_version_costs_no_other_broker() -> None:
    brokers = choice(2)
    brokers.ended(0, Ending(EndingKind.VERSION_REFUSED, ""), Version.V5, 0.0)
    assert brokers.next(0.0) == (0, 0.0)


SECONDS = st.integers(0, 30 * 64).map(lambda parts: parts / 64)
"""Binary fractions: their sums and differences are exact, so a bound may be met to the last digit."""


@given(st.lists(st.tuples(st.sampled_from([AWAY, REFUSED, LONG]), SECONDS), max_size=40), st.integers(1, 4))
def test_there_is_always_a_next_one_and_the_wait_is_bounded(ends: list[tuple[Ending, float]], count: int) -> None:
    brokers, now_s = choice(count), 0.0
    for ending, passes_s in ends:
        number, wait_s = brokers.next(now_s)
        assert 0 <= number < count
        assert 0 <= wait_s <= retry.REFUSED_LONGEST_S
        now_s += wait_s + passes_s
        brokers.ended(number, ending, Version.V5, now_s)
        assert number not in brokers.better(number, now_s)


def test_a_fallback_takes_over_and_the_preferred_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_S", 0.05)
    first, second = Mosquitto(tmp_path), Mosquitto(tmp_path)
    second.start()

    async def test() -> None:
        fallback = (parse_url(second.url),)
        async with running(first.url, fallbacks=fallback, return_s=0.3) as agent:
            await eventually(lambda: agent.face.status().connected and agent.face.status().url == second.url)
            agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
            await eventually(lambda: agent.face.status().published > 5)
            await asyncio.to_thread(first.start)
            await eventually(lambda: agent.face.status().connected and agent.face.status().url == first.url)
            watcher = Watcher(first.port)
            agent.bus.emit(EventKind.HOST_OFF, "host/0", "0")
            await eventually(lambda: watcher.on("event"))
            watcher.close()
            # The broker that was left knows that the board is not there any more.
            left = await asyncio.to_thread(retained, second.port)
            assert left[f"{BASE}/status"] == b"offline"
            first.kill()
            await eventually(lambda: agent.face.status().connected and agent.face.status().url == second.url)

    try:
        asyncio.run(test())
    finally:
        first.kill()
        second.kill()
