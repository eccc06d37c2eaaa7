# SPDX-License-Identifier: Apache-2.0
"""A fitted law of heating, T[k+1] = a T[k] + b P[k] + c, and what follows from it. Pure.

It is dT/dt = (T_ambient + R P - T) / tau in steps of `step_s`:
a = exp(-step / tau), b = R (1 - a), c = T_ambient (1 - a).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Numbers = tuple[float, float, float]
STEADY_S = math.inf
"""When nothing changes any more."""


@dataclass(frozen=True, slots=True)
class ThermalFit:
    """`covariance` is that of (a, b, c); noises are standard deviations per step."""

    step_s: float
    a: float
    b: float
    c: float
    covariance: tuple[Numbers, Numbers, Numbers]
    process_noise_c: float
    """What moves the temperature besides power."""
    reading_noise_c: float
    steps: int
    """So many were seen."""
    seen_w: tuple[float, float]
    """Least and largest power that it was fitted with."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not (0 < self.a < 1 and 0 < self.b < math.inf and math.isfinite(self.c) and self.step_s > 0):
            raise ValueError(f"no law of heating: a = {self.a}, b = {self.b}, c = {self.c}")

    @property
    def tau_s(self) -> float:
        """After so long 63 % of a change has come."""
        return -self.step_s / math.log(self.a)

    @property
    def kelvin_per_watt(self) -> float:
        return self.b / (1 - self.a)

    @property
    def ambient_c(self) -> float:
        """What the temperature would be without power."""
        return self.c / (1 - self.a)

    def steady_c(self, power_w: float) -> float:
        return self.ambient_c + self.kelvin_per_watt * power_w

    def after_c(self, start_c: float, power_w: float, seconds: float) -> float:
        """The temperature after so long at this power."""
        return _after(self._law, start_c, power_w, seconds / self.step_s)

    def seconds_until(self, trip_c: float, start_c: float, power_w: float) -> float:
        """Until this temperature is reached; 0 = it is reached; infinity = never."""
        if start_c >= trip_c:
            return 0.0
        steady_c = self.steady_c(power_w)
        if steady_c <= trip_c:
            return math.inf
        return self.tau_s * math.log((steady_c - start_c) / (steady_c - trip_c))

    def largest_power_w(self, trip_c: float, start_c: float, seconds: float, sure: float = 0.0) -> float:
        """What may be drawn for so long without reaching the trip; 0 = the trip is reached already.

        Between now and then the temperature only rises or only falls, so what holds at the end holds all the time.
        `sure`: so many standard errors are kept off the trip.
        """
        if start_c >= trip_c:
            return 0.0
        left = _left(self.a, seconds / self.step_s)
        power_w = aim_c = 0.0
        for _ in range(3 if sure else 1):
            aim_c = trip_c - (sure * self.error_c(start_c, power_w, seconds) if sure else 0.0)
            power_w = max(((aim_c - left * start_c) / (1 - left) - self.ambient_c) / self.kelvin_per_watt, 0.0)
        return power_w

    def error_c(self, start_c: float, power_w: float, seconds: float) -> float:
        """Standard error of a reading after so long: of the fit, of what else moves it, and of both readings."""
        number = seconds / self.step_s
        slope = _slope(lambda law: _after(law, start_c, power_w, number), self._law)
        left = _left(self.a, number)
        moved = self.process_noise_c**2 * (1 - left**2) / (1 - self.a**2)
        read = self.reading_noise_c**2 * (1 + left**2)
        return math.sqrt(max(_form(self.covariance, slope), 0.0) + moved + read)

    @property
    def _law(self) -> Numbers:
        return (self.a, self.b, self.c)


def _after(law: Numbers, start_c: float, power_w: float, number: float) -> float:
    a, b, c = law
    left = _left(a, number)
    return left * start_c + (1 - left) * (b * power_w + c) / (1 - a)


def _left(a: float, number: float) -> float:
    """Of a difference, after so many steps; mypy has no type for a float to the power of a float."""
    return math.exp(math.log(a) * number)


def _slope(function: Callable[[Numbers], float], at: Numbers) -> Numbers:
    """By each of the three; `a` is moved by so little that it stays below 1."""
    moves = (min(1 - at[0], at[0]) * 1e-4, max(abs(at[1]), 1e-6) * 1e-4, max(abs(at[2]), 1e-3) * 1e-4)

    def one(index: int) -> float:
        up, down = list(at), list(at)
        up[index] += moves[index]
        down[index] -= moves[index]
        return (function((up[0], up[1], up[2])) - function((down[0], down[1], down[2]))) / (2 * moves[index])

    return one(0), one(1), one(2)


def _form(matrix: tuple[Numbers, Numbers, Numbers], by: Numbers) -> float:
    return sum(by[row] * matrix[row][column] * by[column] for row in range(3) for column in range(3))
