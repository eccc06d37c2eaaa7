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
    """Readings further apart than a step are a gap; nothing is made up to fill it.

    Each temperature is the median of itself and its neighbours: a spike of the sensor is not seen.
    """

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self.clear()

    def clear(self) -> None:
        """What comes next has nothing to do with what was before."""
        self._raw: list[_Sample] = []
        self._last: _Sample | None = None
        self._before: tuple[float, float] | None = None
        self._number = 0
        self._whole = False
        self._sums = (0.0, 0.0)

    def add(self, now_s: float, temperature_c: float, power_w: float) -> list[ThermalStep]:
        """Steps that this reading completes. `now_s` is monotonic; what is not finite is not seen."""
        if not all(math.isfinite(number) for number in (now_s, temperature_c, power_w)):
            return []
        if self._raw and now_s == self._raw[-1].at_s:
            return []
        if self._raw and not 0 < now_s - self._raw[-1].at_s <= self._step_s:
            self.clear()
        self._raw.append(_Sample(now_s, temperature_c, power_w))
        if len(self._raw) < 3:
            return []
        middle = self._raw[1]
        median_c = sorted(sample.temperature_c for sample in self._raw)[1]
        del self._raw[0]
        return self._go_on(_Sample(middle.at_s, median_c, middle.power_w))

    def _go_on(self, sample: _Sample) -> list[ThermalStep]:
        last, self._last = self._last, sample
        if last is None:
            self._number = math.floor(sample.at_s / self._step_s)
            return []
        steps: list[ThermalStep] = []
        while True:
            end_s = (self._number + 1) * self._step_s
            if sample.at_s < end_s:
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
