# SPDX-License-Identifier: Apache-2.0
"""Load that may run at any site: where it costs least and there is room for it. Pure.

A placement is a wish, not a lease: a site that runs the load draws it from its own budget.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import msgspec

from agent.fleet.budget.messages import LONGEST, Refusal, Watts, read
from agent.fleet.bus import SECOND_NS
from agent.profile.base import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.fleet.budget.control import BudgetControl

Cost = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
KEEP_NS = 300 * SECOND_NS
"""A placement stands so long, unless the load, a cost or a room changes: load shall not wander."""
TELL_NS = 60 * SECOND_NS
FOR_S = 300.0
"""A site that hears nothing more of its parent runs it for so long."""
LESS_W = 1.0


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much there is to place, and what it costs where; a site without a cost gets none."""

    load_w: Watts
    costs: Annotated[dict[Name, Cost], msgspec.Meta(max_length=1000)]
    """Price or carbon, in any one unit."""


class Deferred(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """To a site: so much of it is to run there."""

    site: Name
    watts: Watts
    for_s: Annotated[float, msgspec.Meta(gt=0, le=3600)]


_WISH = msgspec.json.Decoder(Wish)
_DEFERRED = msgspec.json.Decoder(Deferred)


def read_wish(payload: bytes) -> Wish | Refusal:
    return read(payload, _WISH, 32 * LONGEST)


def read_deferred(payload: bytes, site: str) -> Deferred | Refusal:
    """`site` is the one that the topic names."""
    found = read(payload, _DEFERRED)
    return found if isinstance(found, Refusal) or found.site == site else Refusal.WRONG_NODE


@dataclass(frozen=True, slots=True)
class SiteRoom:
    """What a site could take of it; `path` are the groups around it, which have room of their own."""

    site: str
    room_w: float
    cost: float
    path: tuple[str, ...] = ()


def place(
    load_w: float, rooms: list[SiteRoom], free_w: Mapping[str, float] | None = None
) -> tuple[dict[str, float], float]:
    """Where the load goes, the cheapest site first; and what must wait."""
    left_w = dict(free_w or {})
    placed_w: dict[str, float] = {}
    for room in sorted(rooms, key=lambda one: (one.cost, one.site)):
        part_w = min(load_w, room.room_w, *(left_w[group] for group in room.path))
        if part_w > 0:
            placed_w[room.site] = part_w
            load_w -= part_w
            for group in room.path:
                left_w[group] -= part_w
    return placed_w, load_w


@dataclass(slots=True)
class Placement:
    """Of a parent's coordinators: the one that leads decides, the others hear what it told."""

    wish: Wish
    placed_w: dict[str, float] = field(default_factory=dict)
    waits_w: float = 0.0
    _decided: Wish | None = None
    _decided_ns: int = 0
    _told_ns: int | None = None

    def wished(self, wish: Wish) -> None:
        self.wish = wish

    def heard(self, deferred: Deferred) -> None:
        """What another coordinator told a site."""
        self.placed_w[deferred.site] = deferred.watts

    def step(self, control: BudgetControl, now_ns: int) -> list[Deferred]:
        """What to tell now: every site when anything changed, and again once a minute."""
        rooms, free_w = self._rooms(control, now_ns)
        room_w = {room.site: room.room_w for room in rooms}
        narrow = any(watts > room_w.get(site, 0.0) + LESS_W for site, watts in self.placed_w.items())
        if narrow or self.wish != self._decided or now_ns - self._decided_ns >= KEEP_NS:
            before = self.placed_w
            self.placed_w, self.waits_w = place(self.wish.load_w, rooms, free_w)
            self._decided, self._decided_ns = self.wish, now_ns
            if self.placed_w != before:
                self._told_ns = None
        if self._told_ns is not None and now_ns - self._told_ns < TELL_NS:
            return []
        self._told_ns = now_ns
        sites = control.ledger.tree.nodes
        return [Deferred(site=site, watts=self.placed_w.get(site, 0.0), for_s=FOR_S) for site in sites]

    def _rooms(self, control: BudgetControl, now_ns: int) -> tuple[list[SiteRoom], dict[str, float]]:
        """What each site could take beside what it wants else, and what is free in each group."""
        ledger = control.ledger
        free_w = {name: limit_w - ledger.tree.groups[name].reserve_w for name, limit_w in control.limits_w.items()}
        rooms: list[SiteRoom] = []
        for name, account in ledger.accounts.items():
            report = account.report
            heard = report is not None and not ledger.silent(name, now_ns)
            other_w = ledger.counted_w(name)
            if report is not None and heard:
                wanted_w = report.watts if report.demand_w is None else report.demand_w
                other_w = max(wanted_w - self.placed_w.get(name, 0.0), 0.0)
            for group in account.node.path:
                free_w[group] -= other_w
            if heard and name in self.wish.costs:
                room_w = account.node.peak_w - other_w
                rooms.append(SiteRoom(name, room_w, self.wish.costs[name], account.node.path))
        return rooms, free_w
