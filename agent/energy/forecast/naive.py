# SPDX-License-Identifier: Apache-2.0
"""Tomorrow as today, or as a week ago: what every other model has to beat. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.energy.forecast.grid import Place


class SeasonalNaive:
    """Implements StepModel: the last known value of the same quarter on the wall clock, of a day before.

    Where yesterday has a gap, or its clocks skipped that quarter, the day before yesterday counts, and so on.
    """

    def __init__(self, *, weekly: bool) -> None:
        """`weekly`: of the same day of the week, where one is known."""
        self._weekly = weekly
        self._of_day: dict[int, float] = {}
        self._of_week: dict[tuple[int, int], float] = {}
        self._today: list[tuple[Place, float]] = []

    def see(self, value: float | None, place: Place) -> None:
        if self._today and self._today[0][0].day != place.day:
            self._settle()
        if value is not None:
            self._today.append((place, value))

    def expect(self, ahead: Sequence[Place], leads: Iterable[int]) -> list[float | None]:
        return [self._value(ahead[lead]) for lead in leads]

    def _value(self, place: Place) -> float | None:
        if self._weekly:
            found = self._of_week.get((place.weekday, place.quarter))
            if found is not None:
                return found
        if self._today and place.day > self._today[0][0].day:
            for earlier, value in self._today:
                if earlier.quarter == place.quarter:
                    return value
        return self._of_day.get(place.quarter)

    def _settle(self) -> None:
        """The day is over. Of a quarter that came twice the first counts."""
        for place, value in reversed(self._today):
            self._of_day[place.quarter] = value
            self._of_week[place.weekday, place.quarter] = value
        self._today = []
