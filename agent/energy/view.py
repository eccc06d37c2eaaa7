# SPDX-License-Identifier: Apache-2.0
"""What the energy controller knows and does, as one immutable value: what documents and commands are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from agent.energy.meters.meter_set import Measured

if TYPE_CHECKING:
    from agent.energy.actuators.interface import Applied
    from agent.energy.decide import Decision
    from agent.energy.policies.situation import CapRange, Situation
    from agent.energy.tuning import Tuned


class CapState(Enum):
    STARTING = "starting"
    """Nothing is decided yet, or nothing can be; `why` says what is missing."""
    OBSERVING = "observing"
    """It is shown what would be in force."""
    CAPPING = "capping"
    FAILING = "failing"
    """The machine does not keep the cap."""
    YIELDING = "yielding"
    """Another program sets what we would set."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of this run of the agent."""

    adjustments: int = 0
    """Caps that were set and were not in force before."""
    failed_writes: int = 0
    rapl_errors: int = 0
    """Limits of processors that were not taken, and counters that could be read before and no more."""
    looks: int = 0
    looks_with_data: int = 0
    """Those at which no signal was expired."""


@dataclass(frozen=True, slots=True)
class EnergyView:
    """`applied` is the answer to the last write; None = nothing was written yet."""

    state: CapState = CapState.STARTING
    why: str = ""
    actuator: str = ""
    cap_range: CapRange | None = None
    situation: Situation | None = None
    decision: Decision | None = None
    applied: Applied | None = None
    measured: Measured = field(default_factory=Measured)
    tuned: Tuned | None = None
    """None = it is not asked for, or nothing was tuned yet."""
    counts: Counts = Counts()
