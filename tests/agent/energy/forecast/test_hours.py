# SPDX-License-Identifier: Apache-2.0
"""Forecasts for hours: better than yesterday where that is possible, else yesterday; honest about both."""

from __future__ import annotations

import datetime
import math
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.forecast.grid import place
from agent.energy.forecast.hours import forecast
from agent.energy.forecast.interface import Forecast, ForecastModel, NoForecast
from agent.energy.signals.interface import SignalPoint
from tests.agent.energy.forecast.made_up import START_S, Q, at, by_the_wall, copies, points, wave, weather

DAY = 96


def told(answer: Forecast | NoForecast) -> Forecast:
    assert isinstance(answer, Forecast), answer
    return answer


def refusal(answer: Forecast | NoForecast) -> str:
    assert isinstance(answer, NoForecast), answer
    return answer.why


def test_sixteen_quarters_from_the_one_that_is_now() -> None:
    found = told(forecast(weather(5, 1), at(5 * DAY) + 100))
    assert [point.start_s for point in found.points] == [at(5 * DAY + index) for index in range(17)]
    assert len(told(forecast(weather(5, 1), at(5 * DAY))).points) == 16
    assert all(point.low <= point.value <= point.high for point in found.points)


def test_the_next_day_is_better_than_yesterday_where_that_is_possible() -> None:
    """Errors on data that the model has never seen, over eight years' beginnings."""
    ours = naive = 0.0
    for seed in range(8):
        whole = weather(15, seed)
        known = {point.start_s: point.value for point in whole}
        found = told(forecast(whole[: 14 * DAY], at(14 * DAY)))
        assert found.model is ForecastModel.HOLT_WINTERS
        assert found.error.mase is not None
        assert found.error.mase < 1
        ours += sum(abs(known[point.start_s] - point.value) for point in found.points)
        naive += sum(abs(known[point.start_s] - known[point.start_s - DAY * Q]) for point in found.points)
    assert ours < 0.75 * naive


def test_it_falls_back_to_yesterday_where_nothing_is_better_and_says_so() -> None:
    history = copies(14, 3)
    found = told(forecast(history, at(14 * DAY)))
    assert found.model is ForecastModel.YESTERDAY
    assert found.error == found.naive_error
    assert found.error.mase == 1
    assert "did not err less" in found.why
    yesterday = [point.value for point in history[13 * DAY : 13 * DAY + 16]]
    assert [point.value for point in found.points] == pytest.approx(yesterday)


def test_weeks_that_repeat_are_seen() -> None:
    values = [wave(index) if (index // DAY) % 7 < 5 else 10.0 + index % 4 for index in range(21 * DAY)]
    found = told(forecast(points(values), at(21 * DAY)))
    assert found.model is ForecastModel.LAST_WEEK
    assert [point.value for point in found.points] == pytest.approx([wave(index) for index in range(16)])
    assert found.error.mae == pytest.approx(0, abs=1e-9)


def test_the_error_that_is_told_is_the_error_that_comes() -> None:
    claimed = came = 0.0
    for seed in range(10, 22):
        whole = weather(15, seed)
        known = {point.start_s: point.value for point in whole}
        found = told(forecast(whole[: 14 * DAY], at(14 * DAY)))
        claimed += found.error.mae / 12
        came += sum(abs(known[point.start_s] - point.value) for point in found.points) / len(found.points) / 12
    assert came == pytest.approx(claimed, rel=0.3)


def test_nine_of_ten_values_lie_in_their_interval_and_it_is_no_wider_than_needed() -> None:
    inside = number = 0
    for seed in range(8):
        whole = weather(16, seed)
        known = {point.start_s: point.value for point in whole}
        for offset in range(0, DAY, 24):
            found = told(forecast(whole[offset : 14 * DAY + offset], at(14 * DAY + offset)))
            inside += sum(point.low <= known[point.start_s] <= point.high for point in found.points)
            number += len(found.points)
    assert 0.80 < inside / number < 0.97


def test_near_quarters_are_surer_than_far_ones() -> None:
    found = told(forecast(weather(14, 5), at(14 * DAY)))
    assert found.points[0].high - found.points[0].low < 0.7 * (found.points[-1].high - found.points[-1].low)


@pytest.mark.parametrize("start", ["2026-03-22", "2026-10-18"])
def test_the_clocks_change_and_the_wall_clock_counts(start: str) -> None:
    """A value for each quarter on the wall: forecasts of the day of the change and of the day after are exact."""
    zone = "Europe/Paris"
    start_s = int(datetime.datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)).timestamp())
    history = by_the_wall(10, start_s, zone)
    for hours in (3 * 24 * 2, 7 * 24 - 3, 7 * 24 + 1, 7 * 24 + 3, 8 * 24 - 2):
        now_s = start_s + hours * 3600
        found = told(forecast([point for point in history if point.end_s <= now_s], now_s, zone=zone))
        for point in found.points:
            assert point.value == pytest.approx(place(point.start_s // Q, ZoneInfo(zone)).quarter, abs=1e-6)


def test_a_quarter_that_yesterdays_clocks_skipped_is_that_of_the_day_before() -> None:
    zone = "Europe/Paris"
    start_s = int(datetime.datetime(2026, 3, 27, tzinfo=ZoneInfo(zone)).timestamp())
    history = by_the_wall(4, start_s, zone)
    now_s = int(datetime.datetime(2026, 3, 30, 0, tzinfo=ZoneInfo(zone)).timestamp())
    found = told(forecast([point for point in history if point.end_s <= now_s], now_s, zone=zone))
    assert [point.value for point in found.points] == [float(quarter) for quarter in range(16)]


def test_a_constant_is_forecast_without_error() -> None:
    found = told(forecast(points([7.5] * (5 * DAY)), at(5 * DAY)))
    assert found.model is ForecastModel.YESTERDAY
    assert {(point.low, point.value, point.high) for point in found.points} == {(7.5, 7.5, 7.5)}
    assert (found.error.mae, found.error.mase, found.error.mape) == (0, None, 0)


def test_values_at_and_below_zero_have_no_error_in_percent() -> None:
    history = [SignalPoint(point.start_s, Q, point.value - 60) for point in weather(14, 1)]
    found = told(forecast(history, at(14 * DAY)))
    assert found.model is ForecastModel.HOLT_WINTERS
    assert found.error.mape is None
    assert min(point.value for point in found.points) < 0


def test_gaps_are_gaps() -> None:
    whole = weather(14, 1)
    holes = [point for index, point in enumerate(whole) if index % 7 and not 5 * DAY < index < 6 * DAY]
    found = told(forecast(holes, at(14 * DAY)))
    full = told(forecast(whole, at(14 * DAY)))
    assert found.model is ForecastModel.HOLT_WINTERS
    assert found.points[0].value == pytest.approx(full.points[0].value, rel=0.25)


def test_a_gap_up_to_now_makes_it_less_sure() -> None:
    whole = weather(14, 2)
    late, soon = forecast(whole[:-12], at(14 * DAY)), forecast(whole, at(14 * DAY))
    late, soon = told(late), told(soon)
    assert [point.start_s for point in late.points] == [point.start_s for point in soon.points]
    assert late.points[0].high - late.points[0].low > soon.points[0].high - soon.points[0].low


def test_what_is_not_enough_is_said() -> None:
    whole = weather(14, 2)
    assert "0.0 days" in refusal(forecast([], at(0)))
    assert "1.9 days" in refusal(forecast(whole[: 2 * DAY - 10], at(2 * DAY - 10)))
    assert "13" in refusal(forecast(whole[: -4 * 13], at(14 * DAY)))
    assert "so far ahead" in refusal(forecast(whole[:-8], at(14 * DAY), 86_400))
    assert "half" in refusal(forecast(whole[::3], at(14 * DAY)))
    assert "3.0 days" in told(forecast(whole[: 3 * DAY], at(3 * DAY))).why
    with pytest.raises(ValueError, match="a forecast is for"):
        forecast(whole, at(14 * DAY), 0)


def test_what_comes_after_now_is_not_looked_at() -> None:
    whole = weather(15, 4)
    assert forecast(whole, at(14 * DAY)) == forecast(whole[: 14 * DAY], at(14 * DAY))


def test_points_of_other_lengths() -> None:
    """Hours count for their quarters, minutes are averaged, and a point of a century costs nothing."""
    quarters = [float(index // 4 % 24) for index in range(3 * DAY)]
    hours = [SignalPoint(at(4 * index), 3600, float(index % 24)) for index in range(3 * 24)]
    fives = [SignalPoint(at(0) + 300 * index, 300, float(index // 12 % 24) + index % 3 - 1) for index in range(3 * 288)]
    expected = told(forecast(points(quarters), at(3 * DAY)))
    assert told(forecast(hours, at(3 * DAY))).points == expected.points
    assert [point.value for point in told(forecast(fives, at(3 * DAY))).points] == pytest.approx(
        [point.value for point in expected.points]
    )
    century = told(forecast([SignalPoint(0, 3_000_000_000, 5.0)], START_S))
    assert century.points[0].value == pytest.approx(5)


values = st.lists(st.none() | st.floats(-1000, 1000), min_size=1, max_size=5 * DAY)


@settings(max_examples=40, deadline=None)
@given(values, st.integers(0, 60), st.sampled_from([900, 4 * 3600, 86_400]), st.sampled_from(["UTC", "Asia/Kathmandu"]))
def test_any_history_gives_finite_numbers_or_a_reason(
    given_values: list[float | None], late: int, horizon_s: int, zone: str
) -> None:
    history = [SignalPoint(at(index), Q, value) for index, value in enumerate(given_values) if value is not None]
    now_s = at(len(given_values) + late)
    found = forecast(history, now_s, horizon_s, zone)
    if isinstance(found, NoForecast):
        assert found.why
        return
    assert [point.start_s for point in found.points] == list(range(now_s, now_s + horizon_s, Q))
    assert all(math.isfinite(point.low) and math.isfinite(point.high) for point in found.points)
    assert all(point.low <= point.value <= point.high for point in found.points)
    assert found.error.mae <= found.naive_error.mae
