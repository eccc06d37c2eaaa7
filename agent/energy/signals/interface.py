# SPDX-License-Identifier: Apache-2.0
"""What a source of signals gives, and what it is asked for. For those who write one: docs/energy-signals.md."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import datetime


class SignalUnit(Enum):
    """Average and marginal carbon intensity are different quantities: never one series."""

    EUR_PER_MWH = "EUR/MWh"
    MWH = "MWh"
    MW = "MW"
    PERCENT = "%"
    G_PER_KWH = "gCO2/kWh"
    MARGINAL_G_PER_KWH = "gCO2/kWh marginal"


MAX_TEXT = 1000


class SignalError(Exception):
    """A day could not be had; one sentence with the source and the cure. `retry`: asking again soon may help."""

    def __init__(self, text: str, *, retry: bool, after_s: float | None = None) -> None:
        """`after_s`: the source asked for so much patience. What a server wrote into `text` becomes one short line."""
        super().__init__("".join(one if one.isprintable() else " " for one in text[:MAX_TEXT]))
        self.retry = retry
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class SignalPoint:
    """One value, from `start_s` (Unix seconds) for `duration_s`. May be negative; NaN and infinity are no values."""

    start_s: int
    duration_s: int
    value: float

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.duration_s <= 0 or not math.isfinite(self.value):
            raise ValueError(f"no point of a signal: {self.value} for {self.duration_s} s from {self.start_s}")

    @property
    def end_s(self) -> int:
        return self.start_s + self.duration_s

    def covers(self, now_s: float) -> bool:
        return self.start_s <= now_s < self.end_s


@dataclass(frozen=True, slots=True)
class SignalDay:
    """What a source said about one local day: points in order, without overlap; there may be holes."""

    signal: str
    unit: SignalUnit
    zone: str
    """An IANA time zone, by which the day is cut."""
    source: str
    """The `origin` of the source that said it."""
    fetched_at_s: float
    points: tuple[SignalPoint, ...]


class SignalSource(Protocol):
    """Fetches days. Called on the loop's thread; must not block it."""

    @property
    def name(self) -> str: ...

    @property
    def unit(self) -> SignalUnit: ...

    @property
    def step_s(self) -> int:
        """The finest step that it gives."""
        ...

    @property
    def zone(self) -> str: ...

    @property
    def origin(self) -> str:
        """What is asked of whom, without secrets: days that another origin gave are not mixed with its own."""
        ...

    @property
    def ahead(self) -> bool:
        """Whether it knows tomorrow; one that measures does not, and is not asked."""
        ...

    async def fetch(self, day: datetime.date) -> SignalDay:
        """A local day, whole or as much as is published. Raises SignalError."""
        ...


def day_said(source: SignalSource, points: tuple[SignalPoint, ...]) -> SignalDay:
    """The answer of a source, stamped with the time."""
    return SignalDay(source.name, source.unit, source.zone, source.origin, time.time(), points)
