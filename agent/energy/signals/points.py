# SPDX-License-Identifier: Apache-2.0
"""From what sources say to the points of one day: in order, without overlap, within the day, of sane values. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalError, SignalPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.energy.slots import Slot

STEPS_S = (300, 900, 1800, 3600)
MAX_POINTS = 2000
"""A day of 25 hours has 300 points of five minutes."""
MAX_VALUE = 1e9
"""Of any unit; larger ones would become infinite when something is computed of them."""


def in_order(points: Iterable[SignalPoint], place: str) -> tuple[SignalPoint, ...]:
    """Sorted by time. Raises SignalError where two overlap."""
    ordered = sorted(points, key=lambda point: point.start_s)
    for earlier, later in itertools.pairwise(ordered):
        if later.start_s < earlier.end_s:
            raise SignalError(f"{place}: two values hold at {later.start_s}", retry=False)
    return tuple(ordered)


def of_series(
    starts: Sequence[int], values: Sequence[float | None], whole: Slot, place: str
) -> tuple[SignalPoint, ...]:
    """Of arrays that belong together; None is a hole. The step is what the times say. Raises SignalError."""
    if len(starts) != len(values):
        raise SignalError(f"{place}: {len(starts)} times and {len(values)} values", retry=True)
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    step_s = min(gaps, default=STEPS_S[-1])
    if step_s not in STEPS_S or any(gap % step_s for gap in gaps):
        raise SignalError(f"{place}: times that are no steps of {' or '.join(map(str, STEPS_S))} s", retry=True)
    found = [
        SignalPoint(start, step_s, value)
        for start, value in zip(starts, values, strict=True)
        if value is not None and start < whole.end_utc_s and start + step_s > whole.start_utc_s
    ]
    return within(found, whole, place)


def within(points: Iterable[SignalPoint], whole: Slot, place: str) -> tuple[SignalPoint, ...]:
    """In order, and cut to the day: what lies outside is left out. Raises SignalError."""
    inside = [
        SignalPoint(start_s, end_s - start_s, point.value)
        for point in points
        if (end_s := min(point.end_s, whole.end_utc_s)) > (start_s := max(point.start_s, whole.start_utc_s))
    ]
    return in_order(inside, place)


def check(points: Sequence[SignalPoint], whole: Slot, place: str) -> None:
    """Raises SignalError for points that no source may give for this day: wrong order, another day, mad values."""
    if len(points) > MAX_POINTS:
        raise SignalError(f"{place}: {len(points)} values for one day", retry=False)
    if tuple(points) != in_order(points, place):
        raise SignalError(f"{place}: the values are not in order", retry=False)
    for point in points:
        if point.start_s < whole.start_utc_s or point.end_s > whole.end_utc_s:
            raise SignalError(f"{place}: the value at {point.start_s} is of another day", retry=False)
        if abs(point.value) > MAX_VALUE:
            raise SignalError(f"{place}: the value {point.value:g} is not credible", retry=False)
