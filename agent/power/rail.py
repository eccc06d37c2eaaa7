# SPDX-License-Identifier: Apache-2.0
"""A chassis or auxiliary domain as a pure machine: a maintained control, and power-good that proves it.

Unlike a button press, driving a level is safe to repeat: a start that power-good does not confirm is tried again as
often as the policy says (safety rule 5 forbids that for presses only). What stays unproven stays as it is driven;
lowering it again is the operation's choice (safety rule 6).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from agent.events.event import EventKind
from agent.power.plan import ALREADY_ON
from agent.power.request import HostState, Reply, Verdict

MS = 1_000_000
PAUSE_MS = 1000
"""How long a rail rests lowered between two attempts."""


@dataclass(frozen=True, slots=True)
class RailTiming:
    power_good_ms: int = 5000
    """Power-good must follow the control within this."""
    attempts: int = 3


class RailPhase(enum.Enum):
    RAISING = "raising"
    PAUSING = "pausing"
    LOWERING = "lowering"


@dataclass(frozen=True, slots=True)
class Drive:
    """Bring all controls to this level."""

    active: bool


@dataclass(frozen=True, slots=True)
class RailTell:
    kind: EventKind
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RailFinish:
    reply: Reply


RailEffect = Drive | RailTell | RailFinish


@dataclass(frozen=True, slots=True)
class RailRunning:
    phase: RailPhase
    deadline_ns: int
    attempt: int = 1
    was_raised: bool = False
    """The control was raised already when the operation began: it is not lowered to try again."""


@dataclass(frozen=True, slots=True)
class Rail:
    """Every method is pure: it returns the next machine and what is to be done now, in order."""

    has_power_good: bool = True
    timing: RailTiming = RailTiming()
    raised: bool | None = None
    """What the controls were last driven to, or were found at."""
    good: bool | None = None
    running: RailRunning | None = None
    fault: str = ""

    @property
    def state(self) -> HostState:
        """By power-good where there is one, else by the control."""
        if self.running is not None:
            return HostState.POWERING_OFF if self.running.phase is RailPhase.LOWERING else HostState.POWERING_ON
        if self.fault:
            return HostState.FAULT
        seen = self.good if self.has_power_good else self.raised
        if seen is None:
            return HostState.UNKNOWN
        return HostState.ON if seen else HostState.OFF

    @property
    def deadline_ns(self) -> int | None:
        return self.running.deadline_ns if self.running else None

    def with_timing(self, timing: RailTiming) -> Rail:
        return replace(self, timing=timing)

    # ------------------------------------------------------------------ requests

    def ask(self, on: bool, now_ns: int) -> tuple[Rail, list[RailEffect], Reply]:
        """A request arrives; a reply that is not ACCEPTED is final."""
        if self.running is not None:
            return self, [], Reply(Verdict.BUSY, f"it is {self.running.phase.value}")
        if self.state is HostState.UNKNOWN:
            return self, [], Reply(Verdict.NOT_IN_THIS_STATE, "its state has not settled since start")
        if on:
            if self.state is HostState.ON:
                return self, [], ALREADY_ON
            running = RailRunning(RailPhase.RAISING, self._due(now_ns), was_raised=bool(self.raised))
            return replace(self, running=running, fault=""), [Drive(True)], Reply(Verdict.ACCEPTED)
        if self.state is HostState.OFF and self.raised is False:
            return self, [], Reply(Verdict.DONE, "already off")
        running = RailRunning(RailPhase.LOWERING, self._due(now_ns))
        return replace(self, running=running, fault=""), [Drive(False)], Reply(Verdict.ACCEPTED)

    def seized(self, now_ns: int) -> tuple[Rail, list[RailEffect]]:
        """An emergency has lowered the controls already; whatever ran is overtaken."""
        lowering = RailRunning(RailPhase.LOWERING, self._due(now_ns))
        return replace(self, raised=False, running=lowering, fault="")._settle()

    # ------------------------------------------------------------------ what happens

    def driven(self, active: bool) -> tuple[Rail, list[RailEffect]]:
        """The controls are at this level now; also told of what is found at start."""
        return replace(self, raised=active)._settle()

    def drive_failed(self, why: str, now_ns: int) -> tuple[Rail, list[RailEffect]]:
        """A control could not be brought to its level."""
        running = self.running
        if running is None or running.phase is RailPhase.PAUSING:
            return self, []
        if running.attempt < self.timing.attempts:
            again = replace(running, attempt=running.attempt + 1, deadline_ns=self._due(now_ns))
            return replace(self, running=again), [Drive(running.phase is RailPhase.RAISING)]
        return self._give_up(why)

    def power_good(self, good: bool | None, now_ns: int) -> tuple[Rail, list[RailEffect]]:
        """All power-good inputs together settled at another level; None = they cannot be told."""
        before, machine = self, replace(self, good=good)
        if good == before.good:
            return self, []
        if machine.running is not None:
            return machine._settle()
        if before.good is None or good is None:
            return replace(machine, fault="" if good else machine.fault), []
        if good:
            kind = EventKind.DOMAIN_RECOVERED if before.fault else EventKind.DOMAIN_ON
            return replace(machine, fault=""), [RailTell(kind)]
        if machine.raised:
            why = "power-good fell while its control is on"
            return replace(machine, fault=why), [RailTell(EventKind.DOMAIN_POWER_LOST)]
        return replace(machine, fault=""), [RailTell(EventKind.DOMAIN_OFF)]

    def expired(self, now_ns: int) -> tuple[Rail, list[RailEffect]]:
        """The deadline of the running operation passed."""
        running = self.running
        if running is None or now_ns < running.deadline_ns:
            return self, []
        if running.phase is RailPhase.PAUSING:
            raising = replace(running, phase=RailPhase.RAISING, deadline_ns=self._due(now_ns))
            return replace(self, running=raising), [Drive(True)]
        took = f"within {self.timing.power_good_ms / 1000:g} s"
        if running.phase is RailPhase.LOWERING:
            return self._give_up(f"power-good did not fall {took}" if self.has_power_good else f"not lowered {took}")
        if running.attempt < self.timing.attempts and not running.was_raised:
            pause_ns = now_ns + PAUSE_MS * MS
            pausing = replace(running, phase=RailPhase.PAUSING, attempt=running.attempt + 1, deadline_ns=pause_ns)
            return replace(self, running=pausing), [Drive(False)]
        return self._give_up(f"power-good did not come {took}" if self.has_power_good else f"not raised {took}")

    # ------------------------------------------------------------------ ends

    def _settle(self) -> tuple[Rail, list[RailEffect]]:
        """The running operation is over when control and power-good are both as wanted."""
        running = self.running
        if running is None or running.phase is RailPhase.PAUSING:
            return self, []
        wanted = running.phase is RailPhase.RAISING
        if self.raised is not wanted or (self.has_power_good and self.good is not wanted):
            return self, []
        kind = EventKind.DOMAIN_ON if wanted else EventKind.DOMAIN_OFF
        return replace(self, running=None), [RailTell(kind), RailFinish(Reply(Verdict.DONE))]

    def _give_up(self, why: str) -> tuple[Rail, list[RailEffect]]:
        told = RailTell(EventKind.DOMAIN_FAILED, (why,))
        return replace(self, running=None, fault=why), [told, RailFinish(Reply(Verdict.FAILED, why))]

    def _due(self, now_ns: int) -> int:
        return now_ns + self.timing.power_good_ms * MS
