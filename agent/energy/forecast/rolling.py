# SPDX-License-Identifier: Apache-2.0
"""What a model is, and how it would have done: forecasts from many instants of the past. Pure.

A model is shown equal steps of time one after the other. At each it may be asked for the steps that follow, of which it
has seen nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.energy.forecast.grid import Grid, Place


class StepModel(Protocol):
    def see(self, value: float | None, place: Place) -> None:
        """The next step; None = it is not known."""
        ...

    def expect(self, ahead: Sequence[Place], leads: Iterable[int]) -> list[float | None]:
        """`ahead` are the places of the steps that follow, `leads` the indices of those that are asked for."""
        ...


class Residuals:
    """Actual less expected, by lead."""

    def __init__(self, horizon: int) -> None:
        self.by_lead: list[list[float]] = [[] for _ in range(horizon)]
        self._absolute = 0.0
        self._shares = 0.0
        self._number = 0
        self._has_shares = True

    def add(self, lead: int, actual: float, expected: float) -> None:
        error = actual - expected
        self.by_lead[lead].append(error)
        self._absolute += abs(error)
        self._number += 1
        if actual > 0:
            self._shares += abs(error) / actual
        else:
            self._has_shares = False

    @property
    def mae(self) -> float:
        """Infinity where nothing could be compared."""
        return self._absolute / self._number if self._number else math.inf

    @property
    def mape(self) -> float | None:
        return self._shares / self._number if self._number and self._has_shares else None

    def interval(self, lead: int, coverage: float) -> tuple[float, float]:
        """Within which the residuals of this lead and of its neighbours lie. (0, 0) where there are none."""
        near = sorted(error for errors in self.by_lead[max(lead - 1, 0) : lead + 2] for error in errors)
        if not near:
            return 0.0, 0.0
        outside = math.floor((1 - coverage) / 2 * (len(near) + 1))
        low, high = max(outside - 1, 0), min(len(near) - outside, len(near) - 1)
        return near[low], near[high]


def run(
    model: StepModel, history: Grid, first: int, last: int, horizon: int, leads: Sequence[int], stride: int = 1
) -> Residuals:
    """Show steps up to index `last`; from `first` on ask at every `stride`th one, and compare up to `last`."""
    residuals = Residuals(horizon)
    values, places = history.values, history.places
    for index in range(last):
        model.see(values[index], places[index])
        if index + 1 < first or (index + 1 - first) % stride:
            continue
        within = [lead for lead in leads if index + 1 + lead < last]
        if not within:
            continue
        expected = model.expect(places[index + 1 : index + 1 + horizon], within)
        for lead, guess in zip(within, expected, strict=True):
            actual = values[index + 1 + lead]
            if actual is not None and guess is not None:
                residuals.add(lead, actual, guess)
    return residuals
