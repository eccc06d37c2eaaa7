# SPDX-License-Identifier: Apache-2.0
"""A forecast for hours: Holt-Winters where it has beaten the same quarter of yesterday, else that. Pure.

Holt-Winters' smoothing is chosen on an earlier part of the history; models are compared on the last part, and there
only. One call costs some tens of milliseconds (docs/energy-models.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.energy.forecast.grid import QUARTERS, grid, places
from agent.energy.forecast.holt_winters import CHOICES, HoltWinters
from agent.energy.forecast.interface import Forecast, ForecastError, ForecastModel, ForecastPoint, NoForecast
from agent.energy.forecast.naive import SeasonalNaive
from agent.energy.forecast.rolling import run
from agent.energy.slots import QUARTER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.energy.forecast.grid import Grid
    from agent.energy.forecast.holt_winters import Smoothing
    from agent.energy.forecast.rolling import Residuals, StepModel
    from agent.energy.signals.interface import SignalPoint

HORIZON_S = 4 * 3600.0
LONGEST_S = 24 * 3600.0
LEAST_DAYS = 2
"""One to repeat, one to see how good that was."""
WEEKLY_DAYS = 9
HOLT_WINTERS_DAYS = 4
WARM_UP = 2 * QUARTERS
TEST_DAYS = 4
OLDEST = QUARTERS // 2
"""So many quarters may lie between the last value and now."""
CHOOSING_LEADS = (0, 3, 7, 15)
CHOOSING_STRIDE = 3
COVERAGE = 0.9


@dataclass(frozen=True, slots=True)
class _Tried:
    """A model, how to make a new one, and what it did on the test part."""

    name: ForecastModel
    make: Callable[[], StepModel]
    residuals: Residuals


def forecast(
    history: Sequence[SignalPoint], now_s: float, horizon_s: float = HORIZON_S, zone: str = "UTC"
) -> Forecast | NoForecast:
    """Quarters from the one that `now_s` is in, over `horizon_s`, up to a day.

    What `history` says of quarters from `now_s` on is not looked at. Days are those of `zone`'s wall clock. Raises
    ValueError for a horizon that is not above 0, or above a day.
    """
    if not 0 < horizon_s <= LONGEST_S:
        raise ValueError(f"a forecast is for 0 to {LONGEST_S:g} s, not for {horizon_s:g}")
    begin = math.floor(now_s / QUARTER_S)
    clocks = ZoneInfo(zone)
    past = grid(history, begin, clocks)
    missing = begin - past.first - len(past.values)
    why_not = _why_not(past, missing)
    if why_not:
        return NoForecast(why_not)
    horizon = missing + math.ceil((now_s + horizon_s) / QUARTER_S) - begin
    if horizon > QUARTERS:
        return NoForecast(f"the last value is {missing / 4:g} h old: too old to look so far ahead")
    naive, others = _try(past, horizon)
    if math.isinf(naive.residuals.mae):
        return NoForecast("the last days have too many gaps to see how good a forecast is")
    best = min((naive, *others), key=lambda tried: tried.residuals.mae)
    points = _points(best, past, range(missing, horizon), clocks)
    if points is None:
        return NoForecast("some quarter of the day is known of no day: the history has too many gaps")
    errors = _error(best, naive), _error(naive, naive)
    return Forecast(points, best.name, *errors, _why(best, naive, others, past))


def _why_not(past: Grid, missing: int) -> str:
    """Empty = the history will do."""
    days = len(past.values) / QUARTERS
    if days < LEAST_DAYS:
        return f"{days:.1f} days of history are there, and {LEAST_DAYS} are needed"
    if past.known < len(past.values) / 2:
        return f"less than half of the last {days:.0f} days is known"
    return f"the last value is {missing / 4:g} h old" if missing > OLDEST else ""


def _try(past: Grid, horizon: int) -> tuple[_Tried, list[_Tried]]:
    """The naive model, and what the history is long enough for besides."""
    length = len(past.values)
    first = length - min(max(length // 3, QUARTERS), TEST_DAYS * QUARTERS)
    stride = max(1, horizon // 16)

    def tried(name: ForecastModel, make: Callable[[], StepModel]) -> _Tried:
        return _Tried(name, make, run(make(), past, first, length, horizon, range(horizon), stride))

    others = []
    if length >= WEEKLY_DAYS * QUARTERS:
        others.append(tried(ForecastModel.LAST_WEEK, lambda: SeasonalNaive(weekly=True)))
    if length >= HOLT_WINTERS_DAYS * QUARTERS:
        smoothing = _smoothing(past, first, horizon)
        others.append(tried(ForecastModel.HOLT_WINTERS, lambda: HoltWinters(smoothing, past, WARM_UP)))
    return tried(ForecastModel.YESTERDAY, lambda: SeasonalNaive(weekly=False)), others


def _smoothing(past: Grid, last: int, horizon: int) -> Smoothing:
    """Which did best before quarter `last`."""
    leads = [lead for lead in CHOOSING_LEADS if lead < horizon]

    def mae(choice: Smoothing) -> float:
        return run(HoltWinters(choice, past, WARM_UP), past, WARM_UP, last, horizon, leads, CHOOSING_STRIDE).mae

    return min(CHOICES, key=mae)


def _points(best: _Tried, past: Grid, leads: range, clocks: ZoneInfo) -> tuple[ForecastPoint, ...] | None:
    model, end = best.make(), past.first + len(past.values)
    for value, place in zip(past.values, past.places, strict=True):
        model.see(value, place)
    points = []
    for lead, value in zip(leads, model.expect(places(range(end, end + leads.stop), clocks), leads), strict=True):
        if value is None:
            return None
        low, high = best.residuals.interval(lead, COVERAGE)
        start_s = (end + lead) * QUARTER_S
        points.append(ForecastPoint(start_s, QUARTER_S, value, value + min(low, 0.0), value + max(high, 0.0)))
    return tuple(points)


def _error(tried: _Tried, naive: _Tried) -> ForecastError:
    mae, naive_mae = tried.residuals.mae, naive.residuals.mae
    return ForecastError(mae, mae / naive_mae if naive_mae > 0 else None, tried.residuals.mape)


def _why(best: _Tried, naive: _Tried, others: list[_Tried], past: Grid) -> str:
    if best is not naive:
        return f"{best.name.value} errs by {best.residuals.mae:.3g}, {naive.name.value} by {naive.residuals.mae:.3g}"
    if not others:
        days = len(past.values) / QUARTERS
        return f"{days:.1f} days of history are there; {HOLT_WINTERS_DAYS} are needed for more than {naive.name.value}"
    told = " and ".join(f"{tried.name.value} ({tried.residuals.mae:.3g})" for tried in others)
    return f"{told} did not err less than {naive.name.value} ({naive.residuals.mae:.3g})"
