# SPDX-License-Identifier: Apache-2.0
"""When to run a job that can wait: the window before its deadline in which a signal is least on average. Pure.

The mean over a window is a broken line in its start, which bends only where the window's start or end meets the edge
of a point. So looking at those starts finds the least mean exactly, whatever the steps and the partial quarters.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MIN_SAVING = 0.05
"""Waiting for less is not worth it: a share of the mean size of the values."""
HOUR_S = 3600.0
ROUNDING = 1e-9


class Priced(Protocol):
    """A SignalPoint, or a ForecastPoint."""

    @property
    def start_s(self) -> int: ...

    @property
    def duration_s(self) -> int: ...

    @property
    def value(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Run from `start_s` to `end_s` (Unix time). Means and `saving` are in the signal's unit."""

    start_s: float
    end_s: float
    mean: float
    mean_now: float
    """Of the window that starts now."""
    saving: float
    """`mean_now - mean`; never below 0."""
    why: str


@dataclass(frozen=True, slots=True)
class NoWindow:
    """`why` is one sentence."""

    why: str


class _Integral:
    """The sum of value x time over points, from the first one on, and where there are holes."""

    def __init__(self, points: Iterable[Priced]) -> None:
        self.starts: list[float] = []
        self.ends: list[float] = []
        self._values: list[float] = []
        self._sums: list[float] = []
        whole = 0.0
        for point in sorted(points, key=lambda point: point.start_s):
            start_s = max(float(point.start_s), self.ends[-1]) if self.ends else float(point.start_s)
            end_s = float(point.start_s + point.duration_s)
            if end_s <= start_s:
                continue  # all of it is said by points before it
            self.starts.append(start_s)
            self.ends.append(end_s)
            self._values.append(point.value)
            self._sums.append(whole)
            whole += point.value * (end_s - start_s)

    def mean(self, start_s: float, end_s: float) -> float | None:
        """None where a part of it is not known."""
        first, last = bisect_right(self.starts, start_s) - 1, bisect_right(self.starts, end_s) - 1
        if first < 0 or (self.ends[last] < end_s):
            return None
        for index in range(first, last):
            if self.ends[index] < self.starts[index + 1]:
                return None
        return (self._until(last, end_s) - self._until(first, start_s)) / (end_s - start_s)

    def size(self, start_s: float, end_s: float) -> float:
        """The mean of the values without their signs, where they are known."""
        known_s = weighed = 0.0
        for start, end, value in zip(self.starts, self.ends, self._values, strict=True):
            inside_s = min(end, end_s) - max(start, start_s)
            if inside_s > 0:
                known_s += inside_s
                weighed += abs(value) * inside_s
        return weighed / known_s if known_s else 0.0

    def _until(self, index: int, at_s: float) -> float:
        return self._sums[index] + self._values[index] * (at_s - self.starts[index])


def best_window(
    points: Sequence[Priced], duration_s: float, now_s: float, before_s: float, min_saving: float = MIN_SAVING
) -> Window | NoWindow:
    """The window of least mean that starts at `now_s` or later and ends by `before_s`; of equal ones the first.

    `min_saving`: waiting must save this share of the mean size of the values until the deadline, else the answer is
    now. Points may be in any order; where two overlap the one that began first counts. Raises ValueError for a duration
    that is not above 0, or a negative `min_saving`.
    """
    if not duration_s > 0 or not min_saving >= 0:
        raise ValueError(f"a window of {duration_s:g} s with a saving of {min_saving:g} is none")
    if now_s + duration_s > before_s:
        left_h = max(before_s - now_s, 0.0) / HOUR_S
        return NoWindow(f"{duration_s / HOUR_S:.2g} h do not fit into the {left_h:.2g} h before the deadline")
    integral = _Integral(points)
    mean_now = integral.mean(now_s, now_s + duration_s)
    if mean_now is None:
        return NoWindow(f"not all of the {duration_s / HOUR_S:.2g} h from now on is known: nothing to compare with")
    start_s, mean = now_s, mean_now
    for candidate_s in _starts(integral, duration_s, now_s, before_s - duration_s):
        found = integral.mean(candidate_s, candidate_s + duration_s)
        if found is not None and found < mean - ROUNDING * abs(mean):
            start_s, mean = candidate_s, found
    needed = min_saving * integral.size(now_s, before_s)
    if mean_now - mean <= 0 or mean_now - mean < needed:
        why = "waiting saves nothing" if mean == mean_now else f"waiting saves only {mean_now - mean:.3g}"
        return Window(now_s, now_s + duration_s, mean_now, mean_now, 0.0, why + _unknown(integral, before_s))
    why = f"a mean of {mean:.4g} against {mean_now:.4g} now" + _unknown(integral, before_s)
    return Window(start_s, min(start_s + duration_s, before_s), mean, mean_now, mean_now - mean, why)


def _starts(integral: _Integral, duration_s: float, first_s: float, last_s: float) -> list[float]:
    edges = {*integral.starts, *integral.ends}
    wanted = {last_s, *edges, *(edge - duration_s for edge in edges)}
    return sorted(start_s for start_s in wanted if first_s < start_s <= last_s)


def _unknown(integral: _Integral, before_s: float) -> str:
    missing_h = (before_s - integral.ends[-1]) / HOUR_S
    return f"; nothing is known yet of the last {missing_h:.2g} h before the deadline" if missing_h > 0 else ""
