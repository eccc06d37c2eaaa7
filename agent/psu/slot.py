# SPDX-License-Identifier: Apache-2.0
"""One supply slot as a pure state machine: polls go in, a debounced state and its events come out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.events.event import EventKind

if TYPE_CHECKING:
    from agent.hardware.pmbus import SupplyIdentity, SupplyReadings

DEGLITCH_POLLS = 2
"""A state must be seen in so many polls in a row before it is believed; one poll may be a glitch of the bus."""


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
    FAILED = "failed"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Poll:
    """The result of one poll: readings, or why there are none."""

    readings: SupplyReadings | None = None
    absent: bool = False
    error: str = ""

    @property
    def health(self) -> Health:
        if self.readings is None:
            return Health.ABSENT if self.absent else Health.UNREACHABLE
        if self.readings.input_lost:
            return Health.INPUT_LOST
        return Health.FAILED if self.readings.failed else Health.OK


LEAVING: dict[Health, EventKind] = {
    Health.INPUT_LOST: EventKind.PSU_POWER_RESTORED,
    Health.FAILED: EventKind.PSU_RECOVERED,
    Health.UNREACHABLE: EventKind.PSU_REACHABLE,
}
ENTERING: dict[Health, EventKind] = {
    Health.INPUT_LOST: EventKind.PSU_POWER_LOST,
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

    @property
    def healthy(self) -> bool:
        return self.health is Health.OK

    @property
    def presence(self) -> Presence:
        match self.health:
            case Health.ABSENT:
                return Presence.ABSENT
            case Health.UNREACHABLE:
                return Presence.UNREACHABLE
            case Health.UNKNOWN:
                return Presence.UNKNOWN
            case _:
                return Presence.PRESENT

    def polled(self, poll: Poll) -> tuple[Slot, list[tuple[EventKind, tuple[str, ...]]]]:
        """Take in one poll. The first polls after start settle the state without an event.

        Readings are those of this poll or none: a supply that does not answer has no old numbers.
        """
        health = poll.health
        polls = self.seen_polls + 1 if health is self.seen else 1
        slot = replace(self, readings=poll.readings, seen=health, seen_polls=polls)
        if health is self.health or polls < DEGLITCH_POLLS:
            return slot, []
        events = self._events(health, poll) if self.health is not Health.UNKNOWN else []
        return replace(slot, health=health), events

    def _events(self, health: Health, poll: Poll) -> list[tuple[EventKind, tuple[str, ...]]]:
        if health is Health.ABSENT:
            return [(EventKind.PSU_REMOVED, ())]  # one root cause: what else was wrong with it left with it
        events: list[tuple[EventKind, tuple[str, ...]]] = []
        if self.health is Health.ABSENT:
            events.append((EventKind.PSU_INSERTED, ()))
        elif self.health in LEAVING:
            events.append((LEAVING[self.health], ()))
        if health is Health.UNREACHABLE:
            events.append((ENTERING[health], (poll.error,)))
        elif health is Health.FAILED and poll.readings is not None:
            events.append((ENTERING[health], (poll.readings.status.name or hex(poll.readings.status),)))
        elif health in ENTERING:
            events.append((ENTERING[health], ()))
        return events
