# SPDX-License-Identifier: Apache-2.0
"""A forecast for minutes: a moving average where it has beaten the last value, else that. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.energy.forecast.grid import Grid, Place
from agent.energy.forecast.interface import Forecast, ForecastError, ForecastModel, ForecastPoint, NoForecast
from agent.energy.forecast.rolling import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STEP_S = 60
HORIZON_S = 600.0
LONGEST_STEPS = 360
LEAST_STEPS = 45
OLDEST_STEPS = 5
WEIGHTS = (0.7, 0.4, 0.2, 0.1, 0.05)
"""Of the newest minute, from nervous to steady."""
COVERAGE = 0.9
ANYWHERE = Place(0, 0)
"""Minutes have no season here."""


class Ewma:
    """Implements StepModel: an exponentially weighted moving average. With a weight of 1, the last value."""

    def __init__(self, weight: float) -> None:
        self._weight = weight
        self._level: float | None = None

    def see(self, value: float | None, place: Place) -> None:
        if value is not None:
            self._level = value if self._level is None else self._level + self._weight * (value - self._level)

    def expect(self, ahead: Sequence[Place], leads: Iterable[int]) -> list[float | None]:
        return [self._level for _ in leads]


def forecast_minutes(
    samples: Iterable[tuple[float, float]], now_s: float, horizon_s: float = HORIZON_S
) -> Forecast | NoForecast:
    """Whole minutes from `now_s` on, from samples of (Unix time, value) in any order.

    What is later than `now_s`, older than six hours or not finite is not looked at. Raises ValueError for a horizon
    that is not above 0, or above an hour.
    """
    if not 0 < horizon_s <= 3600:
        raise ValueError(f"a forecast of minutes is for 0 to 3600 s, not for {horizon_s:g}")
    begin = math.floor(now_s / STEP_S)
    past = _minutes(samples, begin, now_s)
    missing, length = begin - past.first - len(past.values), len(past.values)
    if length < LEAST_STEPS or past.known < LEAST_STEPS / 2:
        return NoForecast(f"{past.known} minutes are known, and {LEAST_STEPS} are needed")
    if missing > OLDEST_STEPS:
        return NoForecast(f"the last value is {missing} minutes old")
    horizon = missing + math.ceil((now_s + horizon_s) / STEP_S) - begin
    leads, first = range(horizon), length * 2 // 3
    weight = min(WEIGHTS, key=lambda one: run(Ewma(one), past, 1, first, horizon, leads, 3).mae)
    naive = run(Ewma(1.0), past, first, length, horizon, leads)
    average = run(Ewma(weight), past, first, length, horizon, leads)
    if math.isinf(naive.mae):
        return NoForecast("the last minutes have too many gaps to see how good a forecast is")
    wins = average.mae < naive.mae
    model, judged = (Ewma(weight), average) if wins else (Ewma(1.0), naive)
    for value in past.values:
        model.see(value, ANYWHERE)
    (level,) = model.expect((), (0,))
    if level is None:
        return NoForecast("no minute is known")
    points = []
    for lead in range(missing, horizon):
        low, high = judged.interval(lead, COVERAGE)
        start_s = (begin - missing + lead) * STEP_S
        points.append(ForecastPoint(start_s, STEP_S, level, level + min(low, 0.0), level + max(high, 0.0)))
    mase = judged.mae / naive.mae if naive.mae > 0 else None
    return Forecast(
        tuple(points),
        ForecastModel.EWMA if wins else ForecastModel.LAST_VALUE,
        ForecastError(judged.mae, mase, judged.mape),
        ForecastError(naive.mae, 1.0 if naive.mae > 0 else None, naive.mape),
        f"a moving average errs by {average.mae:.3g}, the last value by {naive.mae:.3g}",
    )


def _minutes(samples: Iterable[tuple[float, float]], begin: int, now_s: float) -> Grid:
    """Means of minutes before number `begin`."""
    found: dict[int, list[float]] = {}
    for at_s, value in samples:
        if (begin - LONGEST_STEPS) * STEP_S <= at_s < now_s and math.isfinite(value):
            found.setdefault(math.floor(at_s / STEP_S), []).append(value)
    found.pop(begin, None)  # the running minute is not over
    if not found:
        return Grid(begin, (), ())
    span = range(min(found), max(found) + 1)
    values = tuple(sum(found[number]) / len(found[number]) if number in found else None for number in span)
    return Grid(span.start, values, (ANYWHERE,) * len(span))
