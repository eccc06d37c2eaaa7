# SPDX-License-Identifier: Apache-2.0
"""From what happens to single slots to incidents: one event per cause, flapping summarised. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.psu.slot import Health

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.psu.slot import Slot, Told

Incident = tuple[int | None, EventKind, tuple[str, ...]]
"""Slot (None = the set), kind, arguments."""

FLAPS = 6
"""So many changes of one slot within the window are flapping; three times off and on again are still told singly."""
WINDOW_S = 60.0
TOGETHER_S = 0.5
"""Inputs lost within this time are lost by one cause."""
RETURN_S = 5.0
"""After the mains is back on one supply, the others have this long until they are told as lost singly."""

INPUT_LOST = frozenset({EventKind.PSU_POWER_LOST, EventKind.PSU_INPUT_OUT_OF_RANGE})
COUNTED = frozenset(
    {
        EventKind.PSU_POWER_LOST,
        EventKind.PSU_POWER_RESTORED,
        EventKind.PSU_INPUT_OUT_OF_RANGE,
        EventKind.PSU_INPUT_IN_RANGE,
        EventKind.PSU_FAILED,
        EventKind.PSU_RECOVERED,
        EventKind.PSU_UNREACHABLE,
        EventKind.PSU_REACHABLE,
        EventKind.PSU_REMOVED,
        EventKind.PSU_INSERTED,
    }
)
NO_INPUT = frozenset({Health.INPUT_LOST, Health.INPUT_OUT_OF_RANGE})


class Incidents:
    """State over all slots of a board."""

    def __init__(self, slots: int) -> None:
        self._changes: list[deque[float]] = [deque() for _ in range(slots)]
        self._suppressed = [0] * slots
        self._flapping = [False] * slots
        self._held: list[tuple[float, int, EventKind, tuple[str, ...]]] = []
        self._all_lost: frozenset[int] = frozenset()
        self._returning_since: float | None = None

    @property
    def held_back(self) -> bool:
        """Whether an event waits to be told: what follows from it should wait as well."""
        return bool(self._held)

    def flapping(self, slot: int) -> bool:
        return self._flapping[slot]

    def take(self, now_s: float, slot: int, events: Sequence[Told], slots: Sequence[Slot]) -> list[Incident]:
        """What a slot's machine told; returns what is to be told now. Lost inputs are held back for a moment."""
        told: list[Incident] = []
        for kind, args in events:
            if kind in COUNTED:
                self._changes[slot].append(now_s)
                if self._flapping[slot] or self._starts_to_flap(now_s, slot):
                    told += self._flap(slot)
                    continue
            if kind in INPUT_LOST:
                self._held.append((now_s, slot, kind, args))
            elif kind in (EventKind.PSU_POWER_RESTORED, EventKind.PSU_INPUT_IN_RANGE):
                told += self._restored(now_s, slot, kind, args)
            else:
                told.append((slot, kind, args))
        return told

    def due(self, now_s: float, slots: Sequence[Slot]) -> list[Incident]:
        """What was held back long enough, and flapping that has ended."""
        told: list[Incident] = []
        if self._held and now_s - self._held[0][0] >= TOGETHER_S:
            held, self._held = self._held, []
            told += self._lost([(slot, kind, args) for _, slot, kind, args in held], slots)
        told += self._stayed_away(now_s, slots)
        for slot, changes in enumerate(self._changes):
            while changes and now_s - changes[0] > WINDOW_S:
                changes.popleft()
            if self._flapping[slot] and not changes:
                self._flapping[slot] = False
                told.append((slot, EventKind.PSU_STEADY, (slots[slot].health.value, str(self._suppressed[slot]))))
                self._suppressed[slot] = 0
        return told

    def _starts_to_flap(self, now_s: float, slot: int) -> bool:
        recent = [at for at in self._changes[slot] if now_s - at <= WINDOW_S]
        return len(recent) > FLAPS

    def _flap(self, slot: int) -> list[Incident]:
        self._suppressed[slot] += 1
        self._held = [entry for entry in self._held if entry[1] != slot]
        if self._flapping[slot]:
            return []
        self._flapping[slot] = True
        return [(slot, EventKind.PSU_FLAPPING, (str(FLAPS), f"{WINDOW_S:.0f}"))]

    def _lost(self, lost: list[tuple[int, EventKind, tuple[str, ...]]], slots: Sequence[Slot]) -> list[Incident]:
        """All inputs together are the mains' failure, or its brown-out; some are told one by one."""
        present = [index for index, slot in enumerate(slots) if slot.health is not Health.ABSENT]
        if len(present) > 1 and len(lost) > 1 and all(slots[index].health in NO_INPUT for index in present):
            self._all_lost = frozenset(slot for slot, _, _ in lost)
            low = all(slots[index].health is Health.INPUT_OUT_OF_RANGE for index in present)
            return [(None, EventKind.INPUT_BROWN_OUT if low else EventKind.INPUT_LOST, ())]
        return [(slot, kind, args) for slot, kind, args in lost]

    def _restored(self, now_s: float, slot: int, kind: EventKind, args: tuple[str, ...]) -> list[Incident]:
        held = [entry for entry in self._held if entry[1] == slot]
        if held:  # gone and back before anybody was told: a dip
            self._held = [entry for entry in self._held if entry[1] != slot]
            return []
        if slot in self._all_lost:
            first = self._returning_since is None
            self._returning_since = now_s if self._returning_since is None else self._returning_since
            self._all_lost -= {slot}
            return [(None, EventKind.INPUT_RESTORED, ())] if first else []
        return [(slot, kind, args)]

    def _stayed_away(self, now_s: float, slots: Sequence[Slot]) -> list[Incident]:
        """The mains came back, but not to these."""
        if self._returning_since is None or now_s - self._returning_since < RETURN_S:
            return []
        left, self._all_lost, self._returning_since = self._all_lost, frozenset(), None
        return [(slot, EventKind.PSU_POWER_LOST, ()) for slot in sorted(left) if slots[slot].health in NO_INPUT]
