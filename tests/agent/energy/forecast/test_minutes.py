# SPDX-License-Identifier: Apache-2.0
"""Forecasts for minutes: an average where noise is all there is, the last value where it wanders."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.forecast.interface import Forecast, ForecastModel, NoForecast
from agent.energy.forecast.minutes import forecast_minutes

NOW_S = 1_767_225_600.0


def samples(values: list[float], every_s: float = 60.0) -> list[tuple[float, float]]:
    return [(NOW_S - (len(values) - index) * every_s, value) for index, value in enumerate(values)]


def told(answer: Forecast | NoForecast) -> Forecast:
    assert isinstance(answer, Forecast), answer
    return answer


def test_noise_is_averaged() -> None:
    chance = random.Random(1)
    found = told(forecast_minutes(samples([200 + chance.gauss(0, 20) for _ in range(240)]), NOW_S))
    assert found.model is ForecastModel.EWMA
    assert found.points[0].value == pytest.approx(200, abs=10)
    assert found.error.mase is not None
    assert found.error.mase < 0.85
    assert [point.start_s for point in found.points] == [NOW_S + 60 * index for index in range(10)]
    assert found.points[0].low < 180 < 220 < found.points[0].high


def test_what_wanders_is_best_told_by_its_last_value() -> None:
    chance, value, walk = random.Random(2), 200.0, []
    for _ in range(240):
        value += chance.gauss(0, 5)
        walk.append(value)
    found = told(forecast_minutes(samples(walk), NOW_S))
    assert found.model is ForecastModel.LAST_VALUE
    assert found.points[0].value == walk[-1]
    assert found.points[-1].high - found.points[-1].low > 1.5 * (found.points[0].high - found.points[0].low)


def test_seconds_are_averaged_over_minutes() -> None:
    found = told(forecast_minutes(samples([100.0, 200.0] * 1800, every_s=1.0), NOW_S))
    assert found.points[0].value == pytest.approx(150)


def test_too_little_or_too_old_is_said() -> None:
    assert isinstance(forecast_minutes([], NOW_S), NoForecast)
    assert isinstance(forecast_minutes(samples([1.0] * 30), NOW_S), NoForecast)
    old = forecast_minutes(samples([1.0] * 100), NOW_S + 900)
    assert isinstance(old, NoForecast)
    assert "15 minutes old" in old.why
    with pytest.raises(ValueError, match="3600"):
        forecast_minutes([], NOW_S, 1e9)


any_sample = st.tuples(st.floats(NOW_S - 9000, NOW_S + 300), st.floats(-1e6, 1e6) | st.just(math.nan))


@settings(max_examples=60, deadline=None)
@given(st.lists(any_sample, max_size=200))
def test_any_samples_give_finite_numbers_or_a_reason(given_samples: list[tuple[float, float]]) -> None:
    found = forecast_minutes(given_samples, NOW_S)
    if isinstance(found, Forecast):
        assert all(math.isfinite(point.low) and point.low <= point.value <= point.high for point in found.points)
