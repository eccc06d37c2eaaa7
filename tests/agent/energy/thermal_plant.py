# SPDX-License-Identifier: Apache-2.0
"""A machine whose law of heating is known, with a sensor that is not exact and readings that are not on time."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field


@dataclass
class ThermalPlant:
    """dT/dt = (ambient + R P - T) / tau, and a little draught."""

    kelvin_per_watt: float = 0.2
    tau_s: float = 120.0
    ambient_c: float = 30.0
    draught_c: float = 0.02
    """Random, per square root of a second."""
    reading_noise_c: float = 0.4
    whole_degrees: bool = True
    """As many sensors read."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    now_s: float = 1000.0
    temperature_c: float = 50.0

    def steady_c(self, power_w: float) -> float:
        return self.ambient_c + self.kelvin_per_watt * power_w

    def pass_by(self, seconds: float, power_w: float) -> None:
        left = math.exp(-seconds / self.tau_s)
        self.temperature_c = self.steady_c(power_w) + left * (self.temperature_c - self.steady_c(power_w))
        self.temperature_c += self.chance.gauss(0, self.draught_c * math.sqrt(seconds))
        self.now_s += seconds

    def read(self) -> float:
        reading_c = self.temperature_c + self.chance.gauss(0, self.reading_noise_c)
        return float(round(reading_c)) if self.whole_degrees else reading_c


@dataclass
class Load:
    """Jobs that begin and end: a power that holds for a while, then another one."""

    chance: random.Random
    least_w: float = 80.0
    most_w: float = 250.0
    typical_s: float = 180.0
    power_w: float = 100.0
    left_s: float = 0.0

    def next(self, seconds: float) -> float:
        self.left_s -= seconds
        if self.left_s <= 0:
            self.power_w = self.chance.uniform(self.least_w, self.most_w)
            self.left_s = self.chance.expovariate(1 / self.typical_s)
        return self.power_w
