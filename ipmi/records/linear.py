# SPDX-License-Identifier: Apache-2.0
"""The linear formula of sensor records: value = (M * raw + B * 10^K1) * 10^K2 (IPMI 2.0 section 36.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

_RAW_MAXIMUM = 255
_FACTOR_MAXIMUM = 511
_EXPONENT_MINIMUM, _EXPONENT_MAXIMUM = -8, 7
_STEPS = (10, 12, 15, 16, 20, 25, 30, 32, 40, 50, 60, 80, 100)
"""Mantissas of a step between two raw values, tenfold: round steps make round numbers on the client's screen."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Factors of one sensor: M and B are 10-bit, both exponents 4-bit signed numbers."""

    m: int
    b: int
    b_exponent: int
    result_exponent: int

    def decode(self, raw: int) -> float:
        return (self.m * raw + self.b * 10.0**self.b_exponent) * 10.0**self.result_exponent

    @property
    def step(self) -> float:
        """Difference between two neighbouring raw values."""
        return self.m * 10.0**self.result_exponent

    def encode_span(self, span: float) -> int:
        """A difference, such as a hysteresis, in steps."""
        return min(max(round(span / self.step), 0), _RAW_MAXIMUM)

    def decode_span(self, raw: int) -> float:
        return raw * self.step

    def encode(self, value: float) -> int:
        """The raw byte nearest to `value`; values outside the range give the end of the range."""
        if math.isnan(value):
            raise ValueError("not a number")
        scaled = value / 10.0**self.result_exponent
        raw = (scaled - self.b * 10.0**self.b_exponent) / self.m
        return round(min(max(raw, 0.0), float(_RAW_MAXIMUM)))


def fit(minimum: float, maximum: float) -> Linear:
    """Factors whose 256 values span `minimum` to `maximum` with the smallest round step.

    Raises ValueError when the range is empty or cannot be expressed.
    """
    if not (math.isfinite(minimum) and math.isfinite(maximum) and minimum < maximum):
        raise ValueError(f"no range: {minimum} to {maximum}")
    needed = (maximum - minimum) / _RAW_MAXIMUM
    decade = math.floor(math.log10(needed)) - 1
    for exponent in (decade, decade + 1, decade + 2):
        for step in _STEPS:
            linear = _try(step, exponent, minimum, maximum)
            if linear is not None:
                return linear
    raise ValueError(f"range cannot be expressed: {minimum} to {maximum}")


def _try(step: int, exponent: int, minimum: float, maximum: float) -> Linear | None:
    """Step `step * 10^exponent`, with the lowest value at a multiple of the step that is not above the minimum."""
    m = step
    while m % 10 == 0 and exponent < _EXPONENT_MAXIMUM:
        m, exponent = m // 10, exponent + 1
    if not _EXPONENT_MINIMUM <= exponent <= _EXPONENT_MAXIMUM:
        return None
    unit = 10.0**exponent
    b, b_exponent = math.floor(minimum / unit / m + 1e-9) * m, 0
    while abs(b) > _FACTOR_MAXIMUM and b_exponent < _EXPONENT_MAXIMUM:
        b, b_exponent = math.floor(b / 10), b_exponent + 1
    if abs(b) > _FACTOR_MAXIMUM:
        return None
    linear = Linear(m, b, b_exponent, exponent)
    slack = 1e-9 * max(abs(minimum), abs(maximum))
    spans = linear.decode(0) <= minimum + slack and linear.decode(_RAW_MAXIMUM) >= maximum - slack
    return linear if spans else None
