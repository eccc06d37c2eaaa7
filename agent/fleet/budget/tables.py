# SPDX-License-Identifier: Apache-2.0
"""What a file says of groups and nodes under one budget (keys: docs/fleet-budget.md)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.profile.base import Name, Table

Watts = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
KindName = Literal["site", "room", "rack", "board"]
PriorityName = Literal["critical", "production", "development", "research", "background"]
LeaseSeconds = Annotated[float, msgspec.Meta(ge=30, le=3600)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class GroupTable(Table, frozen=True):
    """A place with a breaker, a contract or a cooling capacity of its own."""

    kind: KindName
    limit_w: Watts
    """What all below may draw together."""
    reserve_w: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0
    """Kept for nodes of priority critical."""
    groups: tuple[Name, ...] = ()
    nodes: tuple[Name, ...] = ()


class NodeTable(Table, frozen=True):
    """A machine that keeps a cap."""

    priority: PriorityName
    base_w: Watts
    """It may always draw this; what it falls back to by itself."""
    peak_w: Watts
    """It never draws more."""
    floor_w: Watts | None = None
    """Ordinary control cuts no further; unless given, a part of the peak by priority, at least `base_w`."""
    least_w: Watts | None = None
    """An emergency marked critical may cut to here; unless given, `base_w`."""
    falls_back: bool = False
    """True: something lowers its cap when its agent dies. Else it counts with its peak while it is silent."""


class BandTable(Table, frozen=True):
    """Parts of a limit between which control does nothing."""

    cap: Share = 0.99
    """From here on caps are lowered."""
    target: Share = 0.95
    """To here they are lowered."""
    release: Share = 0.90
    """Below it they are raised again."""


class BudgetTable(Table, frozen=True):
    """Everything under one coordinator."""

    groups: dict[Name, GroupTable]
    nodes: dict[Name, NodeTable]
    bands: BandTable = BandTable()
