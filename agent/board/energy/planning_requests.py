# SPDX-License-Identifier: Apache-2.0
"""Requests about the time ahead: forecasts, and the best time for a job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec

from agent.energy.deferral import MIN_SAVING
from agent.energy.forecast.interface import Forecast, ForecastError, NoForecast
from agent.energy.meters.interface import Quantity
from agent.energy.planning import UnknownSignal
from agent.energy.when_text import WhenError, duration_s, instant_s
from agent.events.event import rfc3339_ms
from agent.requests.endpoint import Answer, Endpoint, Failure, RequestFailed
from agent.requests.energy_data import BestWindow, Forecasted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agent.board.energy.service import BoardEnergy
    from agent.energy.deferral import Window
    from agent.energy.forecast.interface import ForecastPoint

MAX_AHEAD_H = 24


class _When(msgspec.Struct, forbid_unknown_fields=True):
    duration: str
    """`2h`, `90m`."""
    before: str
    """A clock time, a duration from now on, or an ISO time."""
    signal: str = ""
    """A price, else carbon, unless named."""
    min_saving_percent: Annotated[float, msgspec.Meta(ge=0, le=1000)] = MIN_SAVING * 100


class _Forecast(msgspec.Struct, forbid_unknown_fields=True):
    of: str = Quantity.NODE_W.value
    """`node_w`, `cpu_w`, or a signal."""
    hours: Annotated[float, msgspec.Meta(gt=0, le=MAX_AHEAD_H)] = 4.0


class PlanningRequests:
    """Used on the loop's thread."""

    def __init__(self, energy: BoardEnergy) -> None:
        self._energy = energy

    def table(self) -> dict[str, Endpoint]:
        return {
            "energy/when": Endpoint(False, _When, self._when, (BestWindow,)),
            "energy/forecast": Endpoint(False, _Forecast, self._forecast, (Forecasted,)),
        }

    async def _when(self, given: _When, origin: str) -> AsyncIterator[Answer]:
        now_s = time.time()
        try:
            length_s = duration_s(given.duration)
            before_s = instant_s(given.before, now_s, ZoneInfo(self._energy.zone))
            advice = await self._energy.planning.best_window(
                given.signal, length_s, now_s, before_s, given.min_saving_percent / 100
            )
        except (WhenError, UnknownSignal) as error:
            raise RequestFailed(Failure.BAD_ARGUMENTS, str(error)) from error
        window = advice.window
        yield Answer.done(
            {
                "signal": advice.signal,
                "unit": advice.unit.value,
                "window": None if window is None else _window(window),
                "why": advice.why,
            }
        )

    async def _forecast(self, given: _Forecast, origin: str) -> AsyncIterator[Answer]:
        try:
            found = await self._energy.planning.forecast(given.of, time.time(), given.hours * 3600)
        except UnknownSignal as error:
            known = ", ".join(quantity.value for quantity in Quantity)
            raise RequestFailed(Failure.BAD_ARGUMENTS, f"{error}, {known}") from error
        if isinstance(found, NoForecast):
            yield Answer.done(
                {"of": given.of, "points": [], "model": None, "error": None, "naive_error": None, "why": found.why}
            )
        else:
            yield Answer.done(_forecast(given.of, found))


def _window(window: Window) -> dict[str, object]:
    return {
        "start": rfc3339_ms(round(window.start_s) * 1000),
        "end": rfc3339_ms(round(window.end_s) * 1000),
        "mean": round(window.mean, 4),
        "mean_now": round(window.mean_now, 4),
        "saving": round(window.saving, 4),
    }


def _forecast(of: str, found: Forecast | NoForecast) -> dict[str, object]:
    if isinstance(found, NoForecast):
        return {"of": of, "points": [], "model": None, "error": None, "naive_error": None, "why": found.why}
    return {
        "of": of,
        "points": _points(found.points),
        "model": found.model.value,
        "error": _error(found.error),
        "naive_error": _error(found.naive_error),
        "why": found.why,
    }


def _points(points: Sequence[ForecastPoint]) -> list[dict[str, object]]:
    return [
        {
            "start": rfc3339_ms(point.start_s * 1000),
            "seconds": point.duration_s,
            "value": round(point.value, 3),
            "low": round(point.low, 3),
            "high": round(point.high, 3),
        }
        for point in points
    ]


def _error(error: ForecastError) -> dict[str, object]:
    return {
        "mae": round(error.mae, 4),
        "mase": None if error.mase is None else round(error.mase, 4),
        "mape": None if error.mape is None else round(error.mape, 4),
    }
