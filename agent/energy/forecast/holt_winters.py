# SPDX-License-Identifier: Apache-2.0
"""Additive Holt-Winters with a damped trend, one season of 96 quarters by the wall clock. Pure.

Gardner and McKenzie's damped trend; the last error fades out over the horizon as Taylor proposed for loads (2003): what
is unusual now is mostly so a quarter of an hour later, and hardly in four hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.forecast.grid import QUARTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.energy.forecast.grid import Grid, Place


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How fast level, trend and season follow; `damping` of the trend and `memory` of the last error per quarter."""

    level: float
    trend: float
    season: float
    damping: float
    memory: float


CHOICES = (
    Smoothing(0.02, 0.01, 0.10, 0.90, 0.95),
    Smoothing(0.02, 0.01, 0.25, 0.90, 0.95),
    Smoothing(0.02, 0.01, 0.10, 0.90, 0.85),
    Smoothing(0.02, 0.01, 0.25, 0.90, 0.00),
    Smoothing(0.10, 0.05, 0.10, 0.90, 0.80),
    Smoothing(0.20, 0.05, 0.25, 0.90, 0.00),
    Smoothing(0.50, 0.05, 0.10, 0.90, 0.00),
    Smoothing(0.80, 0.10, 0.25, 0.80, 0.00),
)
"""From steady to nervous. More of them cost time on a small board and win little."""


class HoltWinters:
    """Implements StepModel."""

    def __init__(self, smoothing: Smoothing, history: Grid, warm_up: int) -> None:
        """Level and seasons begin as the means of the first `warm_up` quarters of `history`."""
        pairs = zip(history.values[:warm_up], history.places[:warm_up], strict=True)
        first = [(value, place) for value, place in pairs if value is not None]
        self._smoothing = smoothing
        self._level = sum(value for value, _ in first) / len(first) if first else 0.0
        self._trend = 0.0
        self._error = 0.0
        sums, numbers = [0.0] * QUARTERS, [0] * QUARTERS
        for value, place in first:
            sums[place.quarter] += value - self._level
            numbers[place.quarter] += 1
        self._seasons = [whole / number if number else 0.0 for whole, number in zip(sums, numbers, strict=True)]
        self._fading = _fading(smoothing)

    def see(self, value: float | None, place: Place) -> None:
        by = self._smoothing
        self._trend *= by.damping
        self._level += self._trend
        if value is None:
            self._error *= by.memory
            return
        error = value - self._level - self._seasons[place.quarter]
        fresh = error - by.memory * self._error
        self._error = error
        self._level += by.level * fresh
        self._trend += by.level * by.trend * fresh
        self._seasons[place.quarter] += by.season * fresh

    def expect(self, ahead: Sequence[Place], leads: Iterable[int]) -> list[float | None]:
        level, trend, error, seasons, fading = self._level, self._trend, self._error, self._seasons, self._fading
        return [
            level + fading[lead][0] * trend + fading[lead][1] * error + seasons[ahead[lead].quarter] for lead in leads
        ]


def _fading(smoothing: Smoothing) -> list[tuple[float, float]]:
    """By lead: how often the trend counts, and how much of the last error is left."""
    trend, error, rows = 0.0, 1.0, []
    power = 1.0
    for _ in range(QUARTERS):
        power *= smoothing.damping
        trend += power
        error *= smoothing.memory
        rows.append((trend, error))
    return rows
