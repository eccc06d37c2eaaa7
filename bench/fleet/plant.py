# SPDX-License-Identifier: Apache-2.0
"""The machines, their load and the breaker, second by second.

Utilisation is a slow random walk around a daily wave, and for a quarter of an hour a surge to 97 % that comes at a
chance moment. Power follows what is asked, or the cap, with a settling time of 2 s.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from agent.fleet.budget.priority import Priority

WARM_UP_S = 60
"""Nodes start at their base; what comes before is not counted."""
RUN_S = WARM_UP_S + 2700
SURGE_S = 900
SURGE = 0.97
SPREAD_S = 15
"""Not all machines surge in the same second."""
SETTLE_S = 2.0
TRIP_HEAT = (1.1**2 - 1) * 17 * 60
"""A breaker that trips after 17 minutes at 10 % over its rating."""
NO_CAP_W = math.inf


@dataclass(slots=True)
class Machine:
    """`demand_w` is what it would draw now, `watts` what it does draw."""

    name: str
    priority: Priority
    idle_w: float
    peak_w: float
    phase: float
    surge_from_s: float
    watts: float = 0.0
    demand_w: float = 0.0
    cap_w: float = NO_CAP_W
    swing: float = 0.0
    asked_wh: float = 0.0
    lost_wh: float = 0.0


@dataclass(slots=True)
class Breaker:
    """Warms with the square of the load."""

    limit_w: float
    heat: float = 0.0
    tripped: bool = False

    def load(self, watts: float) -> None:
        self.heat = max(self.heat + (watts / self.limit_w) ** 2 - 1, 0.0)
        self.tripped = self.tripped or self.heat > TRIP_HEAT


@dataclass(slots=True)
class Plant:
    """`count` machines; one in five is critical, two production, two research."""

    seed: int
    count: int
    surge_s: float = field(init=False)
    machines: list[Machine] = field(init=False)
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = chance = random.Random(self.seed)
        self.surge_s = chance.uniform(WARM_UP_S + 600, RUN_S - SURGE_S - 300)
        kinds = (Priority.CRITICAL, Priority.PRODUCTION, Priority.RESEARCH, Priority.PRODUCTION, Priority.RESEARCH)
        self.machines = [
            Machine(
                f"n{number}",
                kinds[number % len(kinds)],
                chance.uniform(90, 110),
                chance.uniform(280, 320),
                chance.uniform(-0.3, 0.3),
                self.surge_s + chance.uniform(0, SPREAD_S),
            )
            for number in range(self.count)
        ]
        for machine in self.machines:
            machine.watts = machine.demand_w = self._demand_w(machine, 0)

    @property
    def peaks_w(self) -> float:
        return sum(machine.peak_w for machine in self.machines)

    def step(self, now_s: int) -> float:
        """One second passes; the power of all."""
        settle = 1 - math.exp(-1 / SETTLE_S)
        total_w = 0.0
        for machine in self.machines:
            machine.demand_w = self._demand_w(machine, now_s)
            allowed_w = min(machine.demand_w, max(machine.cap_w, machine.idle_w))
            machine.watts += (allowed_w - machine.watts) * settle
            if now_s >= WARM_UP_S:
                machine.asked_wh += machine.demand_w - machine.idle_w
                machine.lost_wh += machine.demand_w - allowed_w
            total_w += machine.watts
        return total_w

    def lost_percent(self, priority: Priority) -> float:
        """The work that was not done, of that which was asked."""
        asked = sum(machine.asked_wh for machine in self.machines if machine.priority is priority)
        lost = sum(machine.lost_wh for machine in self.machines if machine.priority is priority)
        return 100 * lost / asked

    def _demand_w(self, machine: Machine, now_s: int) -> float:
        machine.swing = 0.98 * machine.swing + self._chance.gauss(0, 0.02)
        use = 0.5 + 0.1 * math.sin(2 * math.pi * now_s / RUN_S + machine.phase) + machine.swing
        if machine.surge_from_s <= now_s < machine.surge_from_s + SURGE_S:
            use = SURGE + machine.swing / 10
        return machine.idle_w + min(max(use, 0.0), 1.0) * (machine.peak_w - machine.idle_w)
