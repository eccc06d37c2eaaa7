# SPDX-License-Identifier: Apache-2.0
"""`[farm]` of a coordinator's file: machines that sleep while nobody needs them (keys: docs/fleet-farm.md)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.fleet.farm.model import NS_PER_S, Amounts, FarmSettings, Resource
from agent.fleet.node.documents import Name as NodeName
from agent.profile.base import Table
from agent.profile.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEMAND = "demand"
"""Third level of the topics of waiting work."""
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
Threshold = Annotated[float, msgspec.Meta(ge=0.5, le=0.8)]
Several = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Seconds = Annotated[float, msgspec.Meta(ge=10, le=30 * 86_400)]


class FarmNodeTable(Table, frozen=True):
    """A machine of the farm and what it has, in units of the owner's choice."""

    segment: NodeName
    cpu: Amount = 0.0
    memory: Amount = 0.0
    ssd: Amount = 0.0
    hdd: Amount = 0.0
    pinned: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """Why the automation never puts it to sleep; empty = it may."""

    @property
    def capacity(self) -> Amounts:
        return {resource: getattr(self, resource.value) for resource in Resource}


class ThresholdTable(Table, frozen=True):
    """Shares in use above which more machines are woken."""

    cpu: Threshold = 0.8
    memory: Threshold = 0.8
    ssd: Threshold = 0.8
    hdd: Threshold = 0.8


class FarmTable(Table, frozen=True):
    """The automation of segments."""

    nodes: dict[NodeName, FarmNodeTable]
    round_s: Annotated[float, msgspec.Meta(ge=10, le=3600)] = 300.0
    thresholds: ThresholdTable = ThresholdTable()
    hysteresis: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.1
    per_round: Several = 1
    demand_per_round: Several = 10
    senders: Several = 1
    stay_s: Seconds = 1800.0
    waking_s: Seconds = 1800.0
    failed_s: Seconds = 6 * 3600.0
    unseen_s: Seconds = 86_400.0
    idle_cpu: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    """A machine whose processors are busier than this is in use; 1 = that does not count."""
    idle_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 900.0
    """So long it must have been idle."""
    daily_at: datetime.time | None = None
    random_per_month: Annotated[float, msgspec.Meta(ge=0, le=30)] = 10.0
    seed: Annotated[str, msgspec.Meta(max_length=100)] = ""
    trust_clock: bool = False

    def settings(self) -> FarmSettings:
        return FarmSettings(
            thresholds={resource: getattr(self.thresholds, resource.value) for resource in Resource},
            hysteresis=self.hysteresis,
            per_round=self.per_round,
            demand_per_round=self.demand_per_round,
            stay_ns=_ns(self.stay_s),
            unseen_ns=_ns(self.unseen_s),
            daily_at=self.daily_at,
            random_per_month=self.random_per_month,
            waking_ns=_ns(self.waking_s),
            failed_ns=_ns(self.failed_s),
            senders=self.senders,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class FarmFile:
    """Checked."""

    nodes: Mapping[str, FarmNodeTable]
    settings: FarmSettings
    round_ns: int
    idle_cpu: float
    idle_ns: int
    trust_clock: bool

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(sorted({node.segment for node in self.nodes.values()}))


def farm_file(table: FarmTable, taken: Collection[str], problems: list[Problem]) -> FarmFile:
    """`taken` are topics of the bus itself; what is wrong is added to `problems`."""
    if not table.nodes:
        problems.append(Problem(("farm", "nodes"), "is empty: name the machines that may sleep, as [farm.nodes.NAME]"))
    for name, node in table.nodes.items():
        if name == DEMAND:
            problems.append(Problem(("farm", "nodes", name), f"{name} is a topic of its own: give it another name"))
        if node.segment in taken:
            why = f"{node.segment} is a topic of the bus itself: it cannot be a segment"
            problems.append(Problem(("farm", "nodes", name, "segment"), why))
    if table.daily_at is not None and table.daily_at.tzinfo is not None:
        problems.append(Problem(("farm", "daily_at"), "is local time, such as 03:30:00"))
    return FarmFile(
        nodes=table.nodes,
        settings=table.settings(),
        round_ns=_ns(table.round_s),
        idle_cpu=table.idle_cpu,
        idle_ns=_ns(table.idle_s),
        trust_clock=table.trust_clock,
    )


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
