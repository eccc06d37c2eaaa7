# SPDX-License-Identifier: Apache-2.0
"""What a meter is: it tells a power now, or why it cannot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Quantity(Enum):
    """What the watts are of. Processors draw about two thirds of a small server: never one series."""

    CPU_W = "cpu_w"
    """The processor packages."""
    NODE_W = "node_w"
    """The whole machine."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Power in watts at `at_ns` (CLOCK_MONOTONIC), by `source`; `estimated`: computed from something else."""

    quantity: Quantity
    watts: float
    source: str
    estimated: bool
    at_ns: int

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not 0 <= self.watts < math.inf:
            raise ValueError(f"{self.source}: {self.watts} W is no power")


@dataclass(frozen=True, slots=True)
class NoReading:
    """`reason` is one sentence for a person; never an old value in its place."""

    source: str
    reason: str


class Meter(Protocol):
    """May block for milliseconds: used on a thread of its own, one call at a time. Raises nothing."""

    name: str
    quantity: Quantity

    def read(self, now_ns: int) -> Reading | NoReading: ...
