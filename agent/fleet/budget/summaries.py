# SPDX-License-Identifier: Apache-2.0
"""What goes up and down between levels: needs in tiers upwards, budgets downwards. Pure.

Every level adds up, for each priority, what is needed at least, what is wanted, and what could be used. Sixteen numbers
stand for any number of nodes. A budget is filled in from the first tier on: nobody's wish is met while somebody's
minimum is not, and no wish of a lower priority while one of a higher is open anywhere below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.fleet.budget.priority import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNT = len(Priority)
BASE = 0
"""The tier of what is never taken."""
FLOOR = 1
"""The first of the tiers up to each priority's floor."""
WANT = FLOOR + COUNT
PEAK = WANT + COUNT
TIERS = PEAK + COUNT
FOR_CRITICAL = frozenset({BASE, FLOOR, WANT, PEAK})
"""The tiers that may use a reserve."""

Tiers = list[float]
"""Watts, `TIERS` of them."""


def no_needs() -> Tiers:
    return [0.0] * TIERS


def fill(budget_w: float, reserve_w: float, tiers: Tiers) -> Tiers:
    """How much of each tier the budget meets; `reserve_w` of it is for priority critical only."""
    met = no_needs()
    left_w = budget_w
    for tier, need_w in enumerate(tiers):
        if need_w > 0:
            free_w = left_w if tier in FOR_CRITICAL else left_w - reserve_w
            if free_w <= 0:
                continue
            met[tier] = min(need_w, free_w)
            left_w -= met[tier]
    return met


def add(total: Tiers, more: Tiers) -> None:
    """In place."""
    for tier, need_w in enumerate(more):
        total[tier] += need_w


def split(budget_w: float, reserve_w: float, parts: Sequence[Tiers]) -> list[float]:
    """The budget of each part; within a tier that is not met in full, each gets the same share of its need."""
    total = no_needs()
    for part in parts:
        add(total, part)
    met = fill(budget_w, reserve_w, total)
    shares = [met_w / need_w if need_w > 0 else 0.0 for met_w, need_w in zip(met, total, strict=True)]
    return [sum(share * need_w for share, need_w in zip(shares, part, strict=True)) for part in parts]
