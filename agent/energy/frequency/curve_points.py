# SPDX-License-Identifier: Apache-2.0
"""Measurements of power by frequency, gathered while the machine is busy: what a curve is fitted to. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.energy.frequency.power_curve import fit

if TYPE_CHECKING:
    from agent.energy.frequency.power_curve import PowerCurve

BUSY = 0.9
"""Below, a frequency tells little of the power."""
BIN_GHZ = 0.1
LEAST_BINS = 3
LEAST_SAMPLES = 5
"""Of each bin."""
SLOWEST_MEAN = 1 / 200
"""Older samples fade, so that another season or fan is learned too."""


class CurvePoints:
    """A mean per tenth of a gigahertz: frequent frequencies weigh no more than rare ones."""

    def __init__(self) -> None:
        self._bins: dict[int, tuple[int, float, float]] = {}
        """Samples, mean GHz, mean W."""

    def add(self, ghz: float, watts: float, utilisation: float) -> None:
        if not (utilisation >= BUSY and 0 < ghz < 100 and 0 < watts < math.inf):
            return
        place = round(ghz / BIN_GHZ)
        samples, mean_ghz, mean_w = self._bins.get(place, (0, ghz, watts))
        weight = max(1 / (samples + 1), SLOWEST_MEAN)
        self._bins[place] = (
            samples + 1,
            mean_ghz + (ghz - mean_ghz) * weight,
            mean_w + (watts - mean_w) * weight,
        )

    def curve(self) -> PowerCurve | None:
        """None until enough frequencies were seen often enough, and while they make no sense."""
        points = [(ghz, watts) for samples, ghz, watts in self._bins.values() if samples >= LEAST_SAMPLES]
        return fit(points) if len(points) >= LEAST_BINS else None
