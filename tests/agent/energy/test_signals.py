# SPDX-License-Identifier: Apache-2.0
"""Days, their files, their refresh and what is known of them."""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.day_store import VOLUME, DayStore, parse_periods
from agent.energy.feed import SignalFeed
from agent.energy.policies.situation import Freshness
from agent.energy.refresh import Patience
from agent.energy.signals.energy_charts import parse_prices
from agent.energy.signals.interface import SignalDay, SignalError, SignalUnit
from agent.energy.signals.mock import MockSource
from agent.energy.slots import day_slot, local_day, quarters

if TYPE_CHECKING:
    from pathlib import Path

ZONE = "Europe/Paris"
DAY = datetime.date(2025, 10, 9)
NOON_S = day_slot(DAY, ZONE).start_utc_s + 12 * 3600


class Flaky(MockSource):
    """A source that can be switched off."""

    __slots__ = ()
    down = False

    async def fetch(self, day: datetime.date) -> SignalDay:
        if Flaky.down:
            raise SignalError("down", retry=True)
        return await MockSource.fetch(self, day)


def mock() -> MockSource:
    return MockSource("price", SignalUnit.EUR_PER_MWH, ZONE)


@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 92), ("2026-10-25", 100), ("2026-06-01", 96)])
def test_quarters_of_a_day(day: str, count: int) -> None:
    date = datetime.date.fromisoformat(day)
    assert len(quarters(date, ZONE)) == count
    points = asyncio.run(mock().fetch(date)).points
    for slot in quarters(date, ZONE):
        assert sum(point.covers(slot.start_utc_s) for point in points) == 1


@given(st.integers(0, 4_000_000_000))
def test_every_second_is_in_its_local_day(now_s: int) -> None:
    whole = day_slot(local_day(now_s, ZONE), ZONE)
    assert whole.start_utc_s <= now_s < whole.end_utc_s


def test_the_last_quarter_of_the_original_file_is_there() -> None:
    text = "Period,Volume (MWh),Price (€/MWh)\n00:00-00:15,65.5,38\n23:45-24:00,120.6,142.04\n"
    points = parse_periods(text, "f", DAY, ZONE, VOLUME)
    assert (points[-1].value, points[-1].end_s) == (120.6, day_slot(DAY, ZONE).end_utc_s)
    with pytest.raises(SignalError, match="twice there"):
        parse_periods(text + "23:45-24:00,1,1\n", "f", DAY, ZONE, VOLUME)


def test_a_day_comes_back_from_its_file(tmp_path: Path) -> None:
    data = asyncio.run(mock().fetch(DAY))
    store = DayStore(tmp_path)
    store.write(DAY, data)
    assert store.read("price", DAY) == data
    assert [path.name for path in tmp_path.iterdir()] == ["price_2025-10-09.csv"]
    store.path("price", DAY).write_text("start_utc_s\nx\n")
    with pytest.raises(SignalError, match="delete it"):
        store.read("price", DAY)


def test_thirty_days_each_have_their_own_data_and_an_outage_ends_in_the_safe_cap(tmp_path: Path) -> None:
    Flaky.down = False
    now = [float(NOON_S)]
    source = Flaky("price", SignalUnit.EUR_PER_MWH, ZONE)
    feed = SignalFeed(source, DayStore(tmp_path), lambda: now[0])

    async def live() -> None:
        seen = set()
        for _ in range(30):
            await feed.step()
            known = feed.value_at(now[0])
            assert known.state is Freshness.FRESH
            assert known.point is not None
            assert known.point.covers(now[0])
            seen.add(known.value)
            now[0] += 86_400
        assert len(seen) > 25
        Flaky.down = True
        await feed.step()
        assert feed.value_at(now[0]).state is Freshness.STALE
        again = SignalFeed(source, DayStore(tmp_path), lambda: now[0])
        await again.load()
        assert again.value_at(now[0]) == feed.value_at(now[0])
        now[0] += 86_400
        assert (feed.value_at(now[0]).value, feed.value_at(now[0]).state) == (None, Freshness.EXPIRED)
        Flaky.down = False
        assert await feed.step()
        assert feed.value_at(now[0]).state is Freshness.FRESH

    asyncio.run(live())


def test_patience_grows_to_an_hour_and_heeds_the_source() -> None:
    patience, waits = Patience(), []
    for _ in range(8):
        patience = patience.after_failure(0.0)
        waits.append(patience.not_before_s)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert Patience().after_failure(0.0, after_s=500).not_before_s == 500
    assert Patience().after_failure(0.0, after_s=1e12).not_before_s == 86_400


def test_energy_charts_has_holes_and_negative_prices() -> None:
    whole = day_slot(DAY, ZONE)
    starts = [whole.start_utc_s + 900 * index for index in range(3)]
    body = {"unix_seconds": starts, "price": [-5.0, None, 7], "unit": "EUR / MWh"}
    points = parse_prices(json.dumps(body).encode(), "x", whole)
    assert [(point.start_s, point.duration_s, point.value) for point in points] == [
        (starts[0], 900, -5.0),
        (starts[2], 900, 7.0),
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"unix_seconds":[1],"price":[]}', b"[" * 100_000])
def test_what_is_not_energy_charts_is_said(body: bytes) -> None:
    with pytest.raises(SignalError, match="not the answer"):
        parse_prices(body, "x", day_slot(DAY, ZONE))
