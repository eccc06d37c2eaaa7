# SPDX-License-Identifier: Apache-2.0
"""A thermal mass that follows a target with one time constant, and the sensor chip on it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class ThermalMass:
    """First-order model: exact for a target that is constant between calls."""

    celsius: float
    time_constant_s: float
    updated_ns: int
    forced: float | None = None
    """A value set by hand, shown instead of the model's."""

    def advance(self, now_ns: int, target_celsius: float) -> None:
        elapsed_s = max(0, now_ns - self.updated_ns) / 1e9
        self.celsius += (target_celsius - self.celsius) * -math.expm1(-elapsed_s / self.time_constant_s)
        self.updated_ns = now_ns

    @property
    def shown(self) -> float:
        return self.celsius if self.forced is None else self.forced
