# SPDX-License-Identifier: Apache-2.0
"""Running time of each supply by its serial number, and the order that evens it out: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.psu.slot import Slot

MAX_STEP_S = 10.0
"""Time between two readings beyond this was not measured (the computer slept), and is not counted."""
KEPT_SERIALS = 64


class Wear:
    """Seconds for which each supply has delivered power."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = dict(seconds)

    def add(self, slots: Sequence[Slot], elapsed_s: float) -> None:
        """Count the time since the last call for the supplies that carry load now."""
        step_s = min(max(0.0, elapsed_s), MAX_STEP_S)
        for slot in slots:
            readings = slot.readings
            if readings is not None and readings.delivers and (readings.pout_w or readings.iout_a):
                key = serial_key(slot)
                self._seconds[key] = self._seconds.pop(key, 0.0) + step_s

    def seconds(self, slot: Slot) -> float:
        return self._seconds.get(serial_key(slot), 0.0)

    def stored(self) -> dict[str, int]:
        """For the database: whole seconds of the supplies seen last."""
        return {key: int(value) for key, value in list(self._seconds.items())[-KEPT_SERIALS:]}

    def order(self, slots: Sequence[Slot]) -> tuple[int, ...]:
        """Slots with the least worn first: it becomes active and catches up."""
        return tuple(sorted(range(len(slots)), key=lambda index: (self.seconds(slots[index]), index)))


def serial_key(slot: Slot) -> str:
    """A supply that does not tell its serial number is known by its slot."""
    return slot.identity.serial if slot.identity and slot.identity.serial else f"slot {slot.name}"
