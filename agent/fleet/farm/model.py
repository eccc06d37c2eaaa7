# SPDX-License-Identifier: Apache-2.0
"""What the automation of a segment is told, and what it answers."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.node.documents import Direction

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

NS_PER_S = 1_000_000_000
HOUR_NS = 3600 * NS_PER_S


class Resource(enum.Enum):
    """What machines have and work needs. The value is the key in settings."""

    CPU = "cpu"
    MEMORY = "memory"
    SSD = "ssd"
    HDD = "hdd"


Amounts = dict[Resource, float]
"""In any unit, the same for all machines; what is not named is none."""


class Reason(enum.Enum):
    """Why a machine should change. In the order in which they take the places of a round."""

    SENDER = "sender"
    """Its segment needs somebody awake who can wake the others."""
    DEMAND = "demand"
    URGENT = "urgent"
    """It was not seen for a day: does it still start?"""
    DAILY = "daily"
    RANDOM = "random"
    SPARE = "spare"
    """It is not needed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`mono_ns` for every interval. `local` is wall time for what people set; None while it is not synchronised."""

    mono_ns: int
    local: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class FarmNode:
    """One machine. Times are of the monotonic clock of whoever plans."""

    name: str
    segment: str
    state: Direction | None
    target: Direction | None
    seen_ns: int
    """When it was last seen up, or when the planning began."""
    capacity: Mapping[Resource, float] = field(default_factory=dict)
    used: Mapping[Resource, float] = field(default_factory=dict)
    changed_ns: int | None = None
    """When its state last changed."""
    target_ns: int | None = None
    """When its target last changed."""
    able: bool = True
    """It says that it can be woken."""
    sends: bool = True
    """It can wake others while it is awake."""
    busy: str = ""
    """What it is used for; empty = nothing."""
    pinned: str = ""
    manual: bool = False
    """A person has set its target: automation leaves it alone."""

    @property
    def up(self) -> bool:
        return self.state is Direction.UP

    @property
    def staying(self) -> bool:
        """Up, and not asked to go."""
        return self.up and self.target is not Direction.DOWN


@dataclass(frozen=True, slots=True)
class FarmSettings:
    """Raises ValueError where a value makes no sense."""

    thresholds: Mapping[Resource, float] = field(default_factory=lambda: dict.fromkeys(Resource, 0.8))
    """The share of each resource in use above which more machines are woken: 0.5 to 0.8."""
    hysteresis: float = 0.1
    """Machines are put to sleep only while the rest would be used this much less than the threshold."""
    per_round: int = 1
    """So many daily, urgent and random wakes at a time."""
    demand_per_round: int = 10
    stay_ns: int = HOUR_NS // 2
    """So long a machine stays up after such a wake, and after any change of its state."""
    unseen_ns: int = 24 * HOUR_NS
    daily_at: datetime.time | None = None
    """Local time of the daily wakes; None = no daily wakes."""
    random_per_month: float = 10.0
    waking_ns: int = HOUR_NS // 2
    """A machine that is not up this long after its target counts as failed, and another is taken."""
    failed_ns: int = 6 * HOUR_NS
    """So long a failed one is not tried again but for lack of others."""
    senders: int = 1
    """So many machines per segment stay awake to wake the others."""
    seed: str = ""
    """Another seed is another choice of random days."""

    def __post_init__(self) -> None:
        for resource, share in self.thresholds.items():
            if not 0.5 <= share <= 0.8:
                raise ValueError(f"threshold of {resource.value}: {share} is not between 0.5 and 0.8")
        if not 0 <= self.hysteresis < 0.5:
            raise ValueError(f"hysteresis: {self.hysteresis} is not between 0 and 0.5")
        if not 0 <= self.random_per_month <= 30:
            raise ValueError(f"random_per_month: {self.random_per_month} is not between 0 and 30")
        if min(self.per_round, self.demand_per_round, self.senders) < 1:
            raise ValueError("per_round, demand_per_round and senders are at least 1")

    def threshold(self, resource: Resource) -> float:
        return self.thresholds.get(resource, 0.8)


@dataclass(frozen=True, slots=True)
class Wish:
    """A target that automation writes for one machine, as a new revision even where it says the same as before."""

    node: str
    target: Direction
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What the automation keeps between two rounds; dates of local time as `2026-11-21`."""

    daily: Mapping[str, str] = field(default_factory=dict)
    random: Mapping[str, str] = field(default_factory=dict)
    daily_ns: Mapping[str, int] = field(default_factory=dict)
    """When, on the monotonic clock of this run."""
    random_ns: Mapping[str, int] = field(default_factory=dict)
    failed_ns: Mapping[str, int] = field(default_factory=dict)
    """When a machine was last found not to come up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`unmet`: by how much every machine together is too small. `stranded`: segments in which nobody is awake."""

    wishes: tuple[Wish, ...]
    memory: Memory
    unmet: Mapping[Resource, float]
    stranded: tuple[str, ...]
    kept: Mapping[str, str]
    """Why each machine that is up is not put to sleep."""


def clean(amounts: Mapping[Resource, float], what: str) -> Amounts:
    """Raises ValueError for an amount that is negative or no number."""
    for resource, amount in amounts.items():
        if not math.isfinite(amount) or amount < 0:
            raise ValueError(f"{what}: {amount} is no amount of {resource.value}")
    return dict(amounts)
