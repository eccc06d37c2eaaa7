# SPDX-License-Identifier: Apache-2.0
"""The year of `make bench-energy` is what it says, and its books are right."""

from __future__ import annotations

import datetime
from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.energy.day_store import DayStore
from bench.energy.accounts import account, drift, saving_percent
from bench.energy.limits import wrong_limits
from bench.energy.recorded import NotRecorded, recorded_year
from bench.energy.replay import CASES, replay
from bench.energy.report import case_figures, verdicts
from bench.energy.workload import HOUR, IDLE_W, JOBS_MOST_W, MOST_W, Workload, carry_out, make_workload
from bench.energy.year import CARBON, PRICE, Year, make_year

if TYPE_CHECKING:
    from pathlib import Path

    from agent.energy.signals.interface import SignalDay


CAP_RANGE = CASES["price+carbon"].cap_range


@pytest.fixture(scope="module")
def year() -> Year:
    return make_year(1)


@pytest.fixture(scope="module")
def spring(year: Year) -> Year:
    """Ten days, with an outage of one day and a day of 92 quarters behind them."""
    days = [datetime.date(2026, 2, 5) + datetime.timedelta(days=number) for number in range(10)]
    days += [datetime.date(2026, 3, 29)]
    return Year(
        {name: {day: by_day[day] for day in days} for name, by_day in year.signals.items()},
        {name: {day: by_day[day] for day in days if day in by_day} for name, by_day in year.known.items()},
    )


def test_the_year_has_every_quarter_and_prices_below_zero(year: Year) -> None:
    prices = year.values(PRICE)
    assert len(prices) == 35_040
    assert sorted({len(day.points) for day in year.signals[PRICE].values()}) == [92, 96, 100]
    assert 0 < sum(price < 0 for price in prices) < 3_504
    assert min(year.values(CARBON)) > 0
    assert make_year(1).values(PRICE) == prices
    assert make_year(2).values(PRICE) != prices


def test_work_without_a_cap_is_all_done() -> None:
    workload = make_workload(1, 960)
    done = carry_out(workload, None)
    dynamic_wh = sum(watts - IDLE_W for watts in done.watts) * HOUR
    assert done.lost_wh == done.late_wh == 0
    assert dynamic_wh + done.undone_wh == pytest.approx(workload.work_wh)
    assert max(done.watts) <= MOST_W


def test_a_cap_shifts_jobs_and_loses_what_cannot_wait() -> None:
    base, job_wh = 50.0, 10.0
    workload = Workload(array("d", [base] * 4), ((job_wh,), (), (), ()))
    done = carry_out(workload, [IDLE_W + 40.0, IDLE_W + 50.0, IDLE_W + 70.0, MOST_W])
    assert list(done.watts) == [IDLE_W + 40.0, IDLE_W + 50.0, IDLE_W + 70.0, IDLE_W + 50.0 + 5.0 / HOUR]
    assert (done.lost_wh, done.undone_wh, done.waited_quarters) == (10.0 * HOUR, 0.0, [3])
    assert 5.0 / HOUR < JOBS_MOST_W


def test_no_cap_is_above_its_own_limit(spring: Year) -> None:
    found = replay(spring, CASES["price+carbon"])
    assert all(CAP_RANGE.min_w <= cap_w <= CAP_RANGE.max_w for cap_w in found.caps_w)
    assert (found.outside, len(found.caps_w)) == (0, 10 * 96 + 92)
    assert found.stale == 96  # the day of the outage, by the day before
    assert found.adjustments > 100


def test_money_and_carbon_have_their_units(spring: Year) -> None:
    count = len(spring.values(PRICE))
    flat = Year(
        {
            name: {day: _flat(data, {PRICE: 100.0, CARBON: 400.0}.get(name, 1.0)) for day, data in by_day.items()}
            for name, by_day in spring.signals.items()
        },
        {},
    )
    workload = Workload(array("d", [40.0] * count), ((),) * count)
    done = carry_out(workload, None)
    found = account(flat, workload, done)
    kwh = 100.0 * count / 4 / 1000
    assert found.energy_kwh == pytest.approx(kwh)
    assert found.cost_eur == pytest.approx(kwh * 0.1)
    assert found.carbon_kg == pytest.approx(kwh * 0.4)


def test_lost_work_is_no_saving() -> None:
    assert saving_percent(50.0, 50.0, 100.0, 100.0) == 0.0
    assert saving_percent(90.0, 100.0, 100.0, 100.0) == pytest.approx(10.0)


def test_the_ledger_drifts_nowhere(spring: Year) -> None:
    """Over days that follow each other."""
    days = list(spring.signals[PRICE])[:10]
    part = Year({name: {day: by_day[day] for day in days} for name, by_day in spring.signals.items()}, {})
    watts = array("d", [100 + number % 7 / 3 for number in range(960)])
    assert drift(part, watts) < 1e-9


def test_caps_of_a_week_are_in_force_and_given_back(tmp_path: Path) -> None:
    caps_w = [CAP_RANGE.min_w + number * (CAP_RANGE.max_w - CAP_RANGE.min_w) / 30 for number in range(31)]
    assert wrong_limits(tmp_path, caps_w) == (0, True)


def test_a_missed_goal_is_told(spring: Year) -> None:
    workload = make_workload(1, len(spring.values(PRICE)))
    found = replace(replay(spring, CASES["price"]), month_per_s=[1e4], growth_kb=0)
    done = carry_out(workload, found.caps_w)
    both = account(spring, workload, done)
    figures = case_figures(workload, found, done, both, both)
    assert (figures["cost_saving_percent"], figures["carbon_saving_percent"]) == (0.0, 0.0)
    around = {"quarters": 35_040, "short_days": 1, "long_days": 1, "drift": 0.0, "wrong_limits": 1, "given_back": 1}
    kept = dict(verdicts({"price+carbon": figures}, around))
    assert [text for text, good in kept.items() if not good] == [
        "every cap of a week was in force, and all was given back",
        "price+carbon saves money and carbon for the same work",
    ]


def _flat(data: SignalDay, value: float) -> SignalDay:
    return replace(data, points=tuple(replace(point, value=value) for point in data.points))


def test_a_recorded_year_is_what_an_agent_stored(year: Year, tmp_path: Path) -> None:
    """Prices by the hour, a day that is missing, one that has a hole, and a day of 92 quarters."""
    store = DayStore(tmp_path)
    days = [datetime.date(2026, 3, 25) + datetime.timedelta(days=number) for number in range(8)]
    for day in days:
        if day == days[2]:
            continue
        for name in (PRICE, CARBON):
            data = year.signals[name][day]
            if name == PRICE:
                hours = tuple(replace(point, duration_s=3600) for point in data.points[::4])
                data = replace(data, points=hours)
            if day == days[5] and name == CARBON:
                data = replace(data, points=data.points[:-1])
            store.write(day, data)
    found = recorded_year(tmp_path)
    assert found.days == tuple(days)
    assert len(found.values(PRICE)) == len(found.values(CARBON)) == 8 * 96 - 4
    assert found.signals[CARBON][days[0]].points == year.signals[CARBON][days[0]].points
    assert [point.value for point in found.signals[PRICE][days[0]].points[4:8]] == [
        year.signals[PRICE][days[0]].points[4].value
    ] * 4
    assert set(days) - found.known[PRICE].keys() == {days[2]}
    assert set(days) - found.known[CARBON].keys() == {days[2], days[5]}
    assert found.signals[PRICE][days[2]].points[0].value == found.signals[PRICE][days[1]].points[0].value
    caps = replay(found, CASES["price+carbon"])
    assert (caps.outside, len(caps.caps_w)) == (0, 8 * 96 - 4)


def test_a_folder_without_days_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotRecorded, match="has no two days of both"):
        recorded_year(tmp_path)
