# SPDX-License-Identifier: Apache-2.0
"""One group's budget among its own nodes: by priority, and within one priority from those that want most. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.fleet.budget.summaries import BASE, COUNT, FLOOR, PEAK, WANT, Tiers, fill, no_needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.fleet.budget.priority import Priority

BUCKET_W = 20.0
"""Nodes whose power is in one bucket are cut alike; the highest bucket first."""


@dataclass(slots=True)
class Claim:
    """A node's needs: `base_w` <= `floor_w` <= `want_w` <= `peak_w`."""

    name: str
    priority: Priority
    base_w: float
    floor_w: float
    want_w: float
    peak_w: float

    @classmethod
    def fixed(cls, name: str, priority: Priority, watts: float) -> Claim:
        """It counts with so much, and nothing can be done about it now."""
        return cls(name, priority, watts, watts, watts, watts)


def needs(claims: Sequence[Claim]) -> Tiers:
    """The sum of the claims, in tiers."""
    tiers = no_needs()
    for claim in claims:
        priority = claim.priority
        tiers[BASE] += claim.base_w
        tiers[FLOOR + priority] += claim.floor_w - claim.base_w
        tiers[WANT + priority] += claim.want_w - claim.floor_w
        tiers[PEAK + priority] += claim.peak_w - claim.want_w
    return tiers


def assign(budget_w: float, reserve_w: float, claims: Sequence[Claim]) -> dict[str, float]:
    """The cap of each node; together they are the budget at most, but never less than their bases."""
    total = needs(claims)
    met = fill(budget_w, reserve_w, total)
    caps_w = {claim.name: claim.base_w for claim in claims}
    for priority in range(COUNT):
        for first in (FLOOR, WANT, PEAK):
            tier = first + priority
            if met[tier] <= 0:
                continue
            members = [claim for claim in claims if claim.priority == priority]
            if first == WANT and met[tier] < total[tier]:
                spans = {claim.name: (claim.floor_w, claim.want_w) for claim in members}
                for name, cap_w in highest_first(total[tier] - met[tier], spans).items():
                    caps_w[name] += cap_w - spans[name][0]
                continue
            share = met[tier] / total[tier]
            for claim in members:
                caps_w[claim.name] += share * _step_w(claim, first)
    return caps_w


def highest_first(less_w: float, spans: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Take `less_w` from the highest bucket until it is as low as the next, then from both, and so on.

    `spans` are each node's floor and present watts; the answer is what it keeps, never less than its floor.
    """
    buckets: dict[int, list[str]] = {}
    for name, (_, watts) in spans.items():
        buckets.setdefault(int(watts // BUCKET_W), []).append(name)
    kept_w = {name: watts for name, (_, watts) in spans.items()}
    active: list[str] = []
    for number in range(max(buckets, default=0), -1, -1):
        if less_w <= 0:
            break
        active += buckets.get(number, [])
        if not active:
            continue
        bottom_w = number * BUCKET_W
        gains = {name: max(kept_w[name] - max(spans[name][0], bottom_w), 0.0) for name in active}
        gain_w = sum(gains.values())
        share = min(less_w / gain_w, 1.0) if gain_w > 0 else 0.0
        for name, one_w in gains.items():
            kept_w[name] -= share * one_w
        less_w -= share * gain_w
        active = [name for name in active if kept_w[name] > spans[name][0]]
    return kept_w


def _step_w(claim: Claim, first: int) -> float:
    if first == FLOOR:
        return claim.floor_w - claim.base_w
    return claim.want_w - claim.floor_w if first == WANT else claim.peak_w - claim.want_w
