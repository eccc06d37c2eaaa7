# SPDX-License-Identifier: Apache-2.0
"""How far back a trend goes, and how finely."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Span(enum.Enum):
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Grid:
    """So many steps of so many seconds; the ring of a span has one slot for each."""

    step_s: int
    steps: int

    def position(self, axis_s: float) -> int:
        """Which step a time is in, counted from the beginning of the axis."""
        return int(axis_s // self.step_s)


GRIDS: dict[Span, Grid] = {
    Span.HOUR: Grid(60, 60),
    Span.DAY: Grid(15 * 60, 96),
    Span.MONTH: Grid(3600, 30 * 24),
}
