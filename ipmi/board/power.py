# SPDX-License-Identifier: Apache-2.0
"""Measured power of the machine, for DCMI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PowerReading:
    """Power over one period that ends now."""

    now_w: float
    minimum_w: float
    maximum_w: float
    average_w: float
    period_ms: int


class PowerMeter(Protocol):
    def reading(self, period_s: int | None) -> PowerReading | None:
        """Over the last `period_s` seconds, or since the meter began (None). None while nothing can be measured."""
        ...
