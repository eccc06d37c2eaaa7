# SPDX-License-Identifier: Apache-2.0
"""A history cut into quarters of an hour, each with its place on the wall clock. Pure."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.slots import QUARTER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from agent.energy.signals.interface import SignalPoint

QUARTERS = 96
"""Of a day on the wall clock. On a day of 92 some do not come, on one of 100 some come twice."""
LONGEST_DAYS = 21
"""Older history is not looked at: it costs time, and seasons change."""
LEAST_KNOWN = 0.5
"""Of a quarter: less is a gap."""


@dataclass(frozen=True, slots=True)
class Place:
    """Of a quarter on the wall clock: its number in the day, and the day's number since 1970."""

    quarter: int
    day: int

    @property
    def weekday(self) -> int:
        return self.day % 7


@dataclass(frozen=True, slots=True)
class Grid:
    """Consecutive steps from number `first` (Unix time / length of a step) on; None = a gap."""

    first: int
    values: tuple[float | None, ...]
    places: tuple[Place, ...]

    @property
    def known(self) -> int:
        return sum(value is not None for value in self.values)


def place(number: int, zone: ZoneInfo) -> Place:
    """Where the quarter with this number is on the clocks of `zone`."""
    start_s = number * QUARTER_S
    offset = datetime.datetime.fromtimestamp(start_s, zone).utcoffset()
    local = (start_s + (int(offset.total_seconds()) if offset is not None else 0)) // QUARTER_S
    return Place(local % QUARTERS, local // QUARTERS)


def grid(history: Iterable[SignalPoint], end: int, zone: ZoneInfo) -> Grid:
    """The quarters from the first to the last one that is known before number `end`.

    Longer points count for all of their quarters, shorter ones are averaged.
    """
    start = end - LONGEST_DAYS * QUARTERS
    sums: dict[int, float] = {}
    covered_s: dict[int, float] = {}
    for point in history:
        from_s, to_s = max(point.start_s, start * QUARTER_S), min(point.end_s, end * QUARTER_S)
        while from_s < to_s:
            number = from_s // QUARTER_S
            part_s = min(to_s, (number + 1) * QUARTER_S) - from_s
            sums[number] = sums.get(number, 0.0) + point.value * part_s
            covered_s[number] = covered_s.get(number, 0.0) + part_s
            from_s += part_s
    means = {number: sums[number] / known_s for number, known_s in covered_s.items()}
    numbers = sorted(number for number, known_s in covered_s.items() if known_s >= LEAST_KNOWN * QUARTER_S)
    if not numbers:
        return Grid(end, (), ())
    known = set(numbers)
    span = range(numbers[0], numbers[-1] + 1)
    values = tuple(means[number] if number in known else None for number in span)
    return Grid(span.start, values, places(span, zone))


def places(numbers: Sequence[int], zone: ZoneInfo) -> tuple[Place, ...]:
    return tuple(place(number, zone) for number in numbers)
