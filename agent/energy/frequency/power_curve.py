# SPDX-License-Identifier: Apache-2.0
"""What a frequency costs: P(f) = static + k x f^3, fitted to measurements. Pure.

A processor's switching power grows with frequency times the square of its voltage, which itself grows with frequency;
what the machine draws at any frequency is the static part. Energy per work is P(f) / f: it is least where its
derivative is zero, at f = (static / 2k)^(1/3). Below that, the machine wastes its static power for longer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Power of the whole machine under load, in watts, by the frequency of its processors in GHz."""

    static_w: float
    k: float
    """Watts per GHz^3."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not (0 <= self.static_w < math.inf and 0 < self.k < math.inf):
            raise ValueError(f"no power curve: {self.static_w} W + {self.k} W/GHz^3 x f^3")

    def watts(self, ghz: float) -> float:
        return self.static_w + self.k * ghz**3

    def ghz(self, watts: float) -> float:
        """The frequency that draws so much; 0 below the static power."""
        return float((max(watts - self.static_w, 0.0) / self.k) ** (1 / 3))

    @property
    def optimal_ghz(self) -> float:
        """Where work costs the least energy."""
        return float((self.static_w / (2 * self.k)) ** (1 / 3))


def through(slow: tuple[float, float], fast: tuple[float, float]) -> PowerCurve:
    """Through two points of (GHz, W). Raises ValueError, unless the faster one draws more and both are possible."""
    if not 0 < slow[0] < fast[0]:
        raise ValueError(f"a curve needs two frequencies, not {slow[0]:g} and {fast[0]:g} GHz")
    k = (fast[1] - slow[1]) / (fast[0] ** 3 - slow[0] ** 3)
    return PowerCurve(max(slow[1] - k * slow[0] ** 3, 0.0), k)


def fit(points: Sequence[tuple[float, float]]) -> PowerCurve | None:
    """Least squares over points of (GHz, W); None while they tell nothing: one frequency only, or less for more."""
    cubes = [(ghz**3, watts) for ghz, watts in points if ghz > 0 and math.isfinite(ghz) and math.isfinite(watts)]
    if len(cubes) < 2:
        return None
    mean_x = sum(x for x, _ in cubes) / len(cubes)
    mean_y = sum(y for _, y in cubes) / len(cubes)
    spread = sum((x - mean_x) ** 2 for x, _ in cubes)
    if spread <= 1e-9 * max(mean_x, 1e-9) ** 2:
        return None
    k = sum((x - mean_x) * (y - mean_y) for x, y in cubes) / spread
    static_w = mean_y - k * mean_x
    if k <= 0 or static_w < 0:
        return None
    return PowerCurve(static_w, k)
