# SPDX-License-Identifier: Apache-2.0
"""The air of the simulated room: relative humidity as a sensor in it shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass

ROOM_PERCENT = 45.0
"""At the temperature of the room."""
TETENS_A, TETENS_B_C = 17.27, 237.3
"""Saturation pressure over water, Tetens (1930)."""


@dataclass
class HumidAir:
    forced: float | None = None
    """A value set by hand, shown instead of the model's."""

    def shown(self, celsius: float, room_c: float) -> float:
        """Percent at the place of the sensor: the same water in warmer air is drier air."""
        if self.forced is not None:
            return self.forced
        return min(100.0, ROOM_PERCENT * _saturation(room_c) / _saturation(celsius))


def _saturation(celsius: float) -> float:
    return math.exp(TETENS_A * celsius / (celsius + TETENS_B_C))
