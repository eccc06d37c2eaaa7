# SPDX-License-Identifier: Apache-2.0
"""Irregular readings of temperature and power, brought to steps of equal length. Pure.

Each step has the mean of its temperature and of its power, so the noise of single readings is averaged away. Means over
a sliding window obey the same law as the temperature itself, with the power averaged in the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThermalStep:
    """`power_w` was drawn on the way from one mean temperature to the next."""

    before_c: float
    power_w: float
    after_c: float


@dataclass(frozen=True, slots=True)
class _Sample:
    at_s: float
    temperature_c: float
    power_w: float


class ThermalSteps:
    """Readings further apart than a step are a gap; nothing is made up to fill it."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self.clear()

    def clear(self) -> None:
        """What comes next has nothing to do with what was before."""
        self._last: _Sample | None = None
        self._before: tuple[float, float] | None = None
        self._number = 0
        self._whole = False
        self._sums = (0.0, 0.0)

    def add(self, now_s: float, temperature_c: float, power_w: float) -> list[ThermalStep]:
        """Steps that this reading completes. `now_s` is monotonic; what is not finite is not seen."""
        if not all(math.isfinite(number) for number in (now_s, temperature_c, power_w)):
            return []
        sample, last = _Sample(now_s, temperature_c, power_w), self._last
        if last is not None and now_s == last.at_s:
            return []
        if last is None or not 0 < now_s - last.at_s <= self._step_s:
            self.clear()
            self._last, self._number = sample, math.floor(now_s / self._step_s)
            return []
        self._last = sample
        steps: list[ThermalStep] = []
        while True:
            end_s = (self._number + 1) * self._step_s
            if now_s < end_s:
                self._count(last, sample)
                return steps
            edge = _between(last, sample, end_s)
            self._count(last, edge)
            step = self._finish()
            if step is not None:
                steps.append(step)
            last = edge

    def _count(self, one: _Sample, other: _Sample) -> None:
        seconds = other.at_s - one.at_s
        temperature, power = self._sums
        self._sums = (
            temperature + seconds * (one.temperature_c + other.temperature_c) / 2,
            power + seconds * (one.power_w + other.power_w) / 2,
        )

    def _finish(self) -> ThermalStep | None:
        """The first window has no whole length: it is not used."""
        before, self._before = self._before, None
        if self._whole:
            self._before = (self._sums[0] / self._step_s, self._sums[1] / self._step_s)
        self._number, self._whole, self._sums = self._number + 1, True, (0.0, 0.0)
        if before is None or self._before is None:
            return None
        return ThermalStep(before[0], (before[1] + self._before[1]) / 2, self._before[0])


def _between(one: _Sample, other: _Sample, at_s: float) -> _Sample:
    share = (at_s - one.at_s) / (other.at_s - one.at_s)
    return _Sample(
        at_s,
        one.temperature_c + share * (other.temperature_c - one.temperature_c),
        one.power_w + share * (other.power_w - one.power_w),
    )
