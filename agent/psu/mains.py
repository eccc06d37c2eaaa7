# SPDX-License-Identifier: Apache-2.0
"""What the inputs of the supplies say about the mains. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.psu.slot import Health

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.psu.slot import Slot


def mains_by_supplies(slots: Iterable[Slot]) -> bool | None:
    """Every present supply says that it has no input: lost. One works: there. Silence, doubt and faults say nothing."""
    healths = {slot.health for slot in slots} - {Health.ABSENT}
    if healths == {Health.INPUT_LOST}:
        return False
    return True if Health.OK in healths else None
