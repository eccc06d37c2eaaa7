# SPDX-License-Identifier: Apache-2.0
"""One supply slot as a pure state machine: polls go in, a debounced state and its events come out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.hardware.pmbus.status import FAN_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.hardware.pmbus.readings import SupplyIdentity, SupplyReadings

Told = tuple[EventKind, tuple[str, ...]]
"""A kind of event and its arguments after the name of the supply."""


class Presence(enum.Enum):
    """Whether a supply is in the slot and answers."""

    UNKNOWN = "unknown"
    PRESENT = "present"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"


class Health(enum.Enum):
    """One word for a slot."""

    OK = "ok"
    INPUT_LOST = "input-lost"
    INPUT_OUT_OF_RANGE = "input-out-of-range"
    FAILED = "failed"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"
    UNAVAILABLE = "unavailable"
    """The bus is stuck: nothing is known about the supply, and nothing is said about it."""
    UNKNOWN = "unknown"


DEGLITCH_POLLS = {
    Health.OK: 3,
    Health.INPUT_LOST: 3,
    Health.INPUT_OUT_OF_RANGE: 5,
    Health.FAILED: 3,
    Health.ABSENT: 3,
    Health.UNREACHABLE: 5,
    Health.UNAVAILABLE: 2,
}
"""A state must be seen in so many polls in a row before it is believed. An input that is going away passes through low
values and silence: the odd states take longer, so that the plain one is told."""
DEGLITCH_WARNING_POLLS = 3

SILENT = frozenset({Health.ABSENT, Health.UNREACHABLE, Health.UNAVAILABLE, Health.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Poll:
    """The result of one poll: readings, or why there are none."""

    readings: SupplyReadings | None = None
    identity: SupplyIdentity | None = None
    absent: bool = False
    bus_stuck: bool = False
    error: str = ""

    @property
    def health(self) -> Health:
        if self.readings is None:
            if self.bus_stuck:
                return Health.UNAVAILABLE
            return Health.ABSENT if self.absent else Health.UNREACHABLE
        if self.readings.input_lost:
            return Health.INPUT_LOST
        if self.readings.input_out_of_range:
            return Health.INPUT_OUT_OF_RANGE
        return Health.FAILED if self.readings.failures else Health.OK


LEAVING: dict[Health, EventKind] = {
    Health.INPUT_LOST: EventKind.PSU_POWER_RESTORED,
    Health.INPUT_OUT_OF_RANGE: EventKind.PSU_INPUT_IN_RANGE,
    Health.FAILED: EventKind.PSU_RECOVERED,
    Health.UNREACHABLE: EventKind.PSU_REACHABLE,
}
ENTERING: dict[Health, EventKind] = {
    Health.INPUT_LOST: EventKind.PSU_POWER_LOST,
    Health.INPUT_OUT_OF_RANGE: EventKind.PSU_INPUT_OUT_OF_RANGE,
    Health.FAILED: EventKind.PSU_FAILED,
    Health.UNREACHABLE: EventKind.PSU_UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """Believed state of one slot, and what was seen lately."""

    name: str
    health: Health = Health.UNKNOWN
    readings: SupplyReadings | None = None
    identity: SupplyIdentity | None = None
    seen: Health = Health.UNKNOWN
    seen_polls: int = 0
    known: Health = Health.UNKNOWN
    """The last state that was not the bus's fault: what events are told against."""
    warnings: frozenset[str] = frozenset()
    seen_warnings: frozenset[str] = frozenset()
    warning_polls: int = 0
    flapping: bool = False

    @property
    def healthy(self) -> bool:
        return self.health is Health.OK and not self.flapping

    @property
    def settled(self) -> bool:
        """Whether what is seen is what is believed; if not, the next poll is worth having soon."""
        return self.seen is self.health and self.seen_warnings == self.warnings

    @property
    def presence(self) -> Presence:
        match self.health:
            case Health.ABSENT:
                return Presence.ABSENT
            case Health.UNREACHABLE:
                return Presence.UNREACHABLE
            case Health.UNKNOWN | Health.UNAVAILABLE:
                return Presence.UNKNOWN
            case _:
                return Presence.PRESENT

    def polled(self, poll: Poll) -> tuple[Slot, list[Told]]:
        """Take in one poll. The first polls after start settle the state without an event.

        Readings are those of this poll or none: a supply that does not answer has no old numbers. Who it is, is
        believed with its presence: what the first polls of a plug that is still moving tell may be half of it.
        """
        health = poll.health
        polls = self.seen_polls + 1 if health is self.seen else 1
        identity = poll.identity or self.identity
        believed = None if self.health in SILENT else identity
        slot = replace(self, readings=poll.readings, identity=believed, seen=health, seen_polls=polls)
        if health is self.health or polls < DEGLITCH_POLLS[health]:
            return slot._warned(poll)
        if health is Health.UNAVAILABLE:
            return replace(slot, health=health, identity=None), []
        events = slot._events(health, poll) if self.known not in (Health.UNKNOWN, health) else []
        slot = replace(slot, health=health, known=health, identity=identity)
        if health in SILENT:
            slot = replace(slot, identity=None, warnings=frozenset(), seen_warnings=frozenset())
        return slot, events

    def _events(self, health: Health, poll: Poll) -> list[Told]:
        if health is Health.ABSENT:
            return [(EventKind.PSU_REMOVED, ())]  # one root cause: what else was wrong with it left with it
        events: list[Told] = []
        if self.known is Health.ABSENT:
            events.append((EventKind.PSU_INSERTED, ()))
        elif self.known in LEAVING and (LEAVING[self.known], health) not in CONTINUED:
            events.append((LEAVING[self.known], ()))
        if health is Health.UNREACHABLE:
            events.append((ENTERING[health], (poll.error,)))
        elif health is Health.FAILED and poll.readings is not None:
            events.append((ENTERING[health], (_listed(fault.value for fault in poll.readings.failures),)))
        elif health is Health.INPUT_OUT_OF_RANGE and poll.readings is not None:
            events.append((ENTERING[health], (f"{poll.readings.vin_v:.1f} V",)))
        elif health in ENTERING:
            events.append((ENTERING[health], ()))
        return events

    def _warned(self, poll: Poll) -> tuple[Slot, list[Told]]:
        """Warnings and fans, deglitched of their own; both are told with what they say."""
        if poll.readings is None or self.health is not Health.OK:
            return self, []
        faults = poll.readings.warnings | poll.readings.fan_failures
        seen = frozenset(fault.value for fault in faults)
        polls = self.warning_polls + 1 if seen == self.seen_warnings else 1
        slot = replace(self, seen_warnings=seen, warning_polls=polls)
        if seen == self.warnings or polls < DEGLITCH_WARNING_POLLS:
            return slot, []
        return replace(slot, warnings=seen), _warning_events(self.warnings, seen)


CONTINUED = {
    (EventKind.PSU_POWER_RESTORED, Health.INPUT_OUT_OF_RANGE),
    (EventKind.PSU_INPUT_IN_RANGE, Health.INPUT_LOST),
}
"""From no input to too little, or back: the incident goes on, nothing was restored."""


def _warning_events(before: frozenset[str], now: frozenset[str]) -> list[Told]:
    """Fans by their number; everything else is a predicted failure, and told as over when nothing of it is left."""
    fans = frozenset(FAN_NAMES)
    events: list[Told] = [(EventKind.PSU_FAN_FAILED, (FAN_NAMES[fan],)) for fan in sorted(now & fans - before)]
    events += [(EventKind.PSU_FAN_RECOVERED, (FAN_NAMES[fan],)) for fan in sorted(before & fans - now)]
    others = now - fans
    if others - before:
        events.append((EventKind.PSU_FAILURE_PREDICTED, (_listed(others),)))
    elif before - fans and not others:
        events.append((EventKind.PSU_PREDICTED_RECOVERED, ()))
    return events


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(sorted(texts))
