# SPDX-License-Identifier: Apache-2.0
"""What the supplies tell the power manager: how much they can still give, and whether any of them works at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.gate import Policy, Refusal
from agent.psu.slot import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.power.request import Action
    from agent.psu.slot import Slot


MAY_WORK = frozenset({Health.OK, Health.UNKNOWN, Health.UNREACHABLE, Health.UNAVAILABLE})
"""A supply that cannot be asked is not known to be dead."""


class SupplyCapacity:
    """Implements agent.power.gate.CapacitySource and PowerGate. Used on the loop's thread."""

    def __init__(self, slots: Callable[[], Sequence[Slot]], rated_w: Callable[[int], float]) -> None:
        self._slots = slots
        self._rated_w = rated_w

    def spare_w(self) -> float | None:
        """Ratings of the healthy supplies minus what all deliver; None without supplies or with a reading missing."""
        slots = self._slots()
        healthy = [index for index, slot in enumerate(slots) if slot.health is Health.OK]
        if not healthy:
            return None
        load_w = 0.0
        for index in healthy:
            readings = slots[index].readings
            if readings is None or readings.pout_w is None:
                return None
            load_w += readings.pout_w
        return sum(self._rated_w(index) for index in healthy) - load_w

    def refusal(self, domain: str, action: Action) -> Refusal | None:
        """Nothing starts while every supply is known not to work."""
        slots = self._slots()
        if not slots or any(slot.health in MAY_WORK for slot in slots):
            return None
        what = ", ".join(f"psu/{slot.name} {slot.health.value}" for slot in slots)
        return Refusal(Policy.HEALTH, f"no supply works ({what})", "bring back the mains or a supply")
