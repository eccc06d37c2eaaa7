# SPDX-License-Identifier: Apache-2.0
"""Energy of hours and days: nothing made up, nothing lost over restarts, days of 23 and 25 hours."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.energy_counters import DAYS, HOURS, OPEN, EnergyCounters
from agent.energy.energy_ledger import DAYS_KEPT, HOURS_KEPT, EnergyLedger
from agent.energy.meters.interface import Quantity, Reading
from tests.agent.psu.backplane import MemorySettings

NODE = Quantity.NODE_W
PARIS, KATHMANDU = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Kathmandu")
S = 1_000_000_000


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def reading(watts: float, second: float, source: str = "supplies", estimated: bool = False) -> dict[Quantity, Reading]:
    return {NODE: Reading(NODE, watts, source, estimated, round(second * S))}


def run(ledger: EnergyLedger, start_s: float, seconds: int, watts: float, step: int = 60) -> None:
    for second in range(0, seconds + 1, step):
        ledger.add(reading(watts, second), start_s + second)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_has_as_many_hours_as_it_has(day: str, hours: int) -> None:
    ledger = EnergyLedger(PARIS)
    run(ledger, at(f"{day}T00:00"), hours * 3600, 100.0)
    energy = ledger.day(NODE, datetime.date.fromisoformat(day))
    assert energy.wh == pytest.approx(100.0 * hours)
    assert energy.seconds == pytest.approx(3600 * hours)
    assert len(ledger.hours[NODE]) == hours


def test_a_day_that_begins_at_a_quarter_past() -> None:
    ledger = EnergyLedger(KATHMANDU)
    start_s = datetime.datetime(2026, 1, 5, 23, 0, tzinfo=KATHMANDU).timestamp()
    run(ledger, start_s, 7200, 60.0)
    assert ledger.day(NODE, datetime.date(2026, 1, 5)).wh == pytest.approx(60.0)
    assert ledger.day(NODE, datetime.date(2026, 1, 6)).wh == pytest.approx(60.0)


def test_time_without_a_reading_is_not_counted() -> None:
    ledger = EnergyLedger(PARIS)
    start_s = at("2026-06-01T10:00")
    for second in (0, 10):
        ledger.add(reading(360.0, second), start_s + second)
    ledger.add({}, start_s + 20)
    ledger.add(reading(360.0, 30), start_s + 30)
    ledger.add(reading(360.0, 1000), start_s + 1000)
    ledger.add(reading(360.0, 1010, "model", estimated=True), start_s + 1010)
    ledger.add(reading(360.0, 1020, "model", estimated=True), start_s + 1020)
    energy = ledger.day(NODE, datetime.date(2026, 6, 1))
    assert (energy.wh, energy.estimated_wh, energy.seconds) == pytest.approx((2.0, 1.0, 20.0))


def test_a_clock_that_is_set_moves_energy_and_makes_none() -> None:
    ledger = EnergyLedger(PARIS)
    ledger.add(reading(360.0, 0), 1000.0)
    ledger.add(reading(360.0, 10), at("2026-06-01T10:00"))
    ledger.add(reading(360.0, 20), 1000.0)
    assert sum(energy.wh for energy in ledger.hours[NODE].values()) == pytest.approx(2.0)


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(0.1, 200)), max_size=40), st.floats(0, 2e9))
def test_hours_and_days_tell_the_same_energy(steps: list[tuple[float, float]], start_s: float) -> None:
    ledger, second, expected_wh = EnergyLedger(PARIS), 0.0, 0.0
    ledger.add(reading(0.0, 0.0), start_s)
    for watts, gap_s in steps:
        before_ns, second = round(second * S), second + gap_s
        elapsed_s = (round(second * S) - before_ns) / S
        expected_wh += watts * elapsed_s / 3600 if elapsed_s <= 120 else 0.0
        ledger.add(reading(watts, second), start_s + second)
    hours = sum(energy.wh for energy in ledger.hours[NODE].values())
    days = sum(energy.wh for energy in ledger.days[NODE].values())
    assert hours == pytest.approx(expected_wh, abs=1e-6)
    assert days == pytest.approx(expected_wh, abs=1e-6)


def test_what_is_old_is_forgotten() -> None:
    ledger = EnergyLedger(PARIS)
    for day in range(DAYS_KEPT + 50):
        run(ledger, at("2026-01-01T12:00") + day * 86_400, 60, 100.0)
    assert (len(ledger.hours[NODE]), len(ledger.days[NODE])) == (HOURS_KEPT, DAYS_KEPT)


# ---------------------------------------------------------------------- kept


def feed(counters: EnergyCounters, start_s: float, seconds: int) -> None:
    async def story() -> None:
        for second in range(0, seconds + 1, 10):
            await counters.add(reading(100.0, second), start_s + second, second * S)

    asyncio.run(story())


def test_a_restart_goes_on_where_it_was() -> None:
    store, start_s = MemorySettings(), at("2026-06-01T22:00")
    feed(EnergyCounters(store, PARIS), start_s, 3 * 3600)
    again = EnergyCounters(store, PARIS)
    feed(again, start_s + 3 * 3600, 3600)
    assert again.ledger.day(NODE, datetime.date(2026, 6, 1)).wh == pytest.approx(200.0, abs=0.1)
    assert again.ledger.day(NODE, datetime.date(2026, 6, 2)).wh == pytest.approx(200.0, abs=0.1)


def test_a_killed_agent_forgets_a_minute_at_most() -> None:
    store, start_s = MemorySettings(), at("2026-06-01T10:00")
    counters = EnergyCounters(store, PARIS)
    feed(counters, start_s, 1790)
    kept = EnergyCounters(store, PARIS).ledger.day(NODE, datetime.date(2026, 6, 1)).seconds
    assert 1790 - 60 <= kept <= 1790


def test_only_what_is_open_is_written_each_minute() -> None:
    store = MemorySettings()
    written: list[str] = []
    put = store.put

    async def counted(values: dict[str, Any]) -> None:
        written.extend(key for key, value in values.items() if store.values.get(key) != value)
        await put(values)

    store.put = counted  # type: ignore[assignment,method-assign]
    feed(EnergyCounters(store, PARIS), at("2026-06-01T10:00"), 3 * 3600)
    assert written.count(OPEN) >= 3 * 60 - 1
    assert written.count(HOURS) <= 4
    assert written.count(DAYS) <= 1


@pytest.mark.parametrize("damage", [7, [], {"hours": 3}, {"hours": {"node_w": {"x": [1, 2, 3]}}}, {"days": {"a": "b"}}])
def test_a_damaged_store_is_said_and_counted_from_zero(damage: object) -> None:
    counters = EnergyCounters(MemorySettings({OPEN: damage, HOURS: damage}), PARIS)
    feed(counters, at("2026-06-01T10:00"), 3600)
    assert counters.ledger.day(NODE, datetime.date(2026, 6, 1)).wh == pytest.approx(100.0)


def test_a_full_disk_ends_nothing() -> None:
    store = MemorySettings()

    async def full(values: dict[str, Any]) -> None:
        raise OSError("no space left")

    store.put = full  # type: ignore[assignment,method-assign]
    counters = EnergyCounters(store, PARIS)
    feed(counters, at("2026-06-01T10:00"), 3600)
    assert counters.ledger.day(NODE, datetime.date(2026, 6, 1)).wh == pytest.approx(100.0)
