# SPDX-License-Identifier: Apache-2.0
"""What policies decide by, and what they answer."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.energy.signals.interface import SignalPoint


class Freshness(Enum):
    FRESH = "fresh"
    STALE = "stale"
    """Of another day than today, or of some time ago, within its age: used, and said."""
    EXPIRED = "expired"
    """Not used any more: the safe cap."""


@dataclass(frozen=True, slots=True)
class SignalView:
    """A signal as it is known now: the points of the local day and of the days beside it, in order."""

    freshness: Freshness
    points: tuple[SignalPoint, ...] = ()
    day: tuple[SignalPoint, ...] = ()
    """Those of the local day that now belongs to."""

    def at(self, now_s: float) -> SignalPoint | None:
        return _at(self.points, now_s)

    def of_day_at(self, now_s: float) -> SignalPoint | None:
        return _at(self.day, now_s)

    def between(self, from_s: float, to_s: float) -> tuple[SignalPoint, ...]:
        """Points that touch this time."""
        return tuple(point for point in self.points if point.start_s < to_s and point.end_s > from_s)


def _at(points: Sequence[SignalPoint], now_s: float) -> SignalPoint | None:
    """Of points in order, without overlap."""
    number = bisect_right(points, now_s, key=lambda point: point.start_s)
    point = points[number - 1] if number else None
    return point if point is not None and point.covers(now_s) else None


@dataclass(frozen=True, slots=True)
class CapRange:
    """Within which a cap is, whatever happens; and which one holds when nothing is known."""

    min_w: float
    max_w: float
    safe_w: float

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not (0 < self.min_w <= self.safe_w <= self.max_w < math.inf):
            raise ValueError(
                f"cap range: 0 < {self.min_w} (min) <= {self.safe_w} (safe) <= {self.max_w} (max) W is to hold"
            )

    def clamp(self, cap_w: float) -> float:
        return min(max(cap_w, self.min_w), self.max_w)

    def share(self, share: float) -> float:
        """0 = least, 1 = largest."""
        return self.min_w + min(max(share, 0.0), 1.0) * (self.max_w - self.min_w)


@dataclass(frozen=True, slots=True)
class HeatView:
    """What a thermal zone allows."""

    limit_w: float | None
    """The largest power that keeps the trip away for the time ahead; None = no law of it is known yet."""
    why: str
    hot: bool = False
    """At the trip already."""
    lost: bool = False
    """No sensor of the zone reads."""


@dataclass(frozen=True, slots=True)
class LeaseView:
    """What a coordinator lets the machine draw now; its base, while there is no lease."""

    cap_w: float
    why: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that is known at one instant. What is None is not known."""

    now_s: float
    """Unix time."""
    day_end_s: float
    """When the local day ends."""
    cap_range: CapRange
    signals: Mapping[str, SignalView] = field(default_factory=dict)
    node_w: float | None = None
    headroom_w: float | None = None
    """What the supplies could give on top of their present load."""
    heat: Mapping[str, HeatView] = field(default_factory=dict)
    """By the name of the policy that asks."""
    optimal_w: float | None = None
    """At this power work costs the least energy."""
    carbon_today_g: float = 0.0
    battery_share: float | None = None
    """State of charge, 0 to 1, of a machine that runs on its battery; None = on the mains, or no battery."""
    battery_surplus: bool = False
    """Harvested power fills it faster than it is used."""
    lease: LeaseView | None = None
    """None = the machine is in no budget."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One policy's word."""

    policy: str
    cap_w: float | None
    """None = it has no wish."""
    why: str
    urgent: bool = False
    """A limit of the hardware: neither slew nor dead-band holds it back."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.cap_w is not None and not math.isfinite(self.cap_w):
            raise ValueError(f"{self.policy}: a cap of {self.cap_w} W is none")


class Policy(Protocol):
    @property
    def name(self) -> str: ...

    def propose(self, situation: Situation) -> Proposal: ...
