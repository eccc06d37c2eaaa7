# SPDX-License-Identifier: Apache-2.0
"""One run of one policy under given conditions, and what came of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import fmean

from agent.fleet.budget.priority import Priority
from bench.fleet.plant import RUN_S, Breaker, Plant
from bench.fleet.policies import Conditions, Nobody, Ours, Policy, Uniform

WEIGHTS = {Priority.CRITICAL: 10.0, Priority.PRODUCTION: 3.0, Priority.RESEARCH: 1.0}
"""What a part of lost work of each priority is worth."""
GRID_DROP_AFTER_S = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one run. Percentages are of the work asked for."""

    over_s: int
    longest_over_s: int
    tripped: bool
    lost_critical: float
    lost_production: float
    lost_research: float
    weighted_lost: float
    use: float
    """Mean power during the surge, as a part of the limit."""
    changes: int
    reaction_s: int
    """Until the power is below a limit that fell; 0 if none did."""


def run(name: str, conditions: Conditions, seed: int, count: int) -> Outcome:
    """`name` is none, uniform or ours."""
    plant = Plant(seed, count)
    rating_w = plant.peaks_w / conditions.oversubscription
    policy = _policy(name, plant, conditions, seed)
    breaker = Breaker(rating_w)
    over = longest = streak = reaction = 0
    uses: list[float] = []
    drop_s = int(plant.surge_s) + GRID_DROP_AFTER_S
    total_w = sum(machine.watts for machine in plant.machines)
    waiting = conditions.grid_drop > 0
    for now_s in range(RUN_S):
        dropped = conditions.grid_drop > 0 and now_s >= drop_s
        limit_w = rating_w * (1 - conditions.grid_drop) if dropped else rating_w
        policy.act(now_s, total_w, limit_w)
        total_w = plant.step(now_s)
        breaker.load(total_w)
        if dropped and waiting:
            reaction = now_s + 1 - drop_s
            waiting = total_w > limit_w
        streak = streak + 1 if total_w > rating_w else 0
        longest = max(longest, streak)
        over += streak > 0
        if plant.surge_s + 30 <= now_s < plant.surge_s + 900:
            uses.append(total_w / rating_w)
    lost = {priority: plant.lost_percent(priority) for priority in WEIGHTS}
    return Outcome(
        over,
        longest,
        breaker.tripped,
        lost[Priority.CRITICAL],
        lost[Priority.PRODUCTION],
        lost[Priority.RESEARCH],
        sum(weight * lost[priority] for priority, weight in WEIGHTS.items()) / sum(WEIGHTS.values()),
        fmean(uses),
        policy.changes,
        reaction,
    )


def _policy(name: str, plant: Plant, conditions: Conditions, seed: int) -> Policy:
    if name == "none":
        return Nobody()
    if name == "uniform":
        return Uniform(plant, conditions)
    return Ours(plant, conditions, random.Random(seed + 1000))
