# SPDX-License-Identifier: Apache-2.0
"""What kind of work a machine does, by how busy its processors are. Pure; with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.energy.frequency.governor import Wish


class Workload(Enum):
    IDLE = "idle"
    STEADY = "steady"
    BUSY = "busy"


WISHES = {Workload.IDLE: Wish.SAVING, Workload.STEADY: Wish.BALANCED, Workload.BUSY: Wish.FAST}


@dataclass(frozen=True, slots=True)
class Levels:
    """Utilisation, 0 to 1, where a class begins, and how far it must fall back to end. Raises ValueError."""

    steady: float = 0.15
    busy: float = 0.70
    hysteresis: float = 0.05
    hold_s: float = 10.0
    """So long another class must be seen before it is believed."""

    def __post_init__(self) -> None:
        if not (
            0 < self.hysteresis < self.steady < self.busy - self.hysteresis and self.busy <= 1 and self.hold_s >= 0
        ):
            raise ValueError("workload levels: 0 < hysteresis < steady < busy - hysteresis, busy <= 1, hold_s >= 0")


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """The class that is believed; `seen` is another one, seen since `since_s`."""

    workload: Workload = Workload.STEADY
    seen: Workload | None = None
    since_s: float = 0.0


def step(state: WorkloadState, utilisation: float, now_s: float, levels: Levels) -> WorkloadState:
    """The state after a reading of the utilisation at `now_s` (monotonic)."""
    found = _class(state.workload, utilisation, levels)
    if found is state.workload:
        return WorkloadState(state.workload)
    if state.seen is not found:
        state = WorkloadState(state.workload, found, now_s)
    return WorkloadState(found) if now_s - state.since_s >= levels.hold_s else state


def _class(now: Workload, utilisation: float, levels: Levels) -> Workload:
    """A class that holds ends lower than where it began."""
    busy = levels.busy - (levels.hysteresis if now is Workload.BUSY else 0.0)
    steady = levels.steady - (0.0 if now is Workload.IDLE else levels.hysteresis)
    if utilisation >= busy:
        return Workload.BUSY
    return Workload.STEADY if utilisation >= steady else Workload.IDLE
