# SPDX-License-Identifier: Apache-2.0
"""What a forecast says, and how good it was where it could be checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ForecastModel(Enum):
    HOLT_WINTERS = "Holt-Winters"
    YESTERDAY = "same quarter yesterday"
    LAST_WEEK = "same quarter last week"
    EWMA = "moving average"
    LAST_VALUE = "last value"


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """`value` is expected from `start_s` (Unix time) for `duration_s`; the interval holds nine times out of ten."""

    start_s: int
    duration_s: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ForecastError:
    """On the part of the history that was not used to choose the model."""

    mae: float
    """Mean absolute error, in the unit of the signal."""
    mase: float | None
    """`mae` as a share of that of the naive model: below 1 is better. None where the naive model makes no error."""
    mape: float | None
    """Mean absolute error as a share of the value. None where a value is 0 or below: a share of it says nothing."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`error` is that of `model`; `naive_error` that of the model that it has to beat."""

    points: tuple[ForecastPoint, ...]
    model: ForecastModel
    error: ForecastError
    naive_error: ForecastError
    why: str
    """Why this model: one sentence."""


@dataclass(frozen=True, slots=True)
class NoForecast:
    """`why` is one sentence."""

    why: str
