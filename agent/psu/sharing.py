# SPDX-License-Identifier: Apache-2.0
"""Does power follow the roles? Compares output power with roles after a change (safety rule 16): pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.psu.slot import Slot

WRONG_FOR_S = 15.0
"""Longer than a self test of a sleeping supply or a step of the load."""
IDLE = 0.03
"""A part of the rating below which a reading is no load."""
CARRIES = 0.10
SLEEPS_BELOW = {2: 0.18 * 0.8, 3: 0.376 * 0.8, 4: 0.565 * 0.8}
"""By role: a standby supply must be asleep below this part of the full load of those that deliver (share bus off
thresholds 1.44, 3.01 and 4.52 V of 8 V, with a margin)."""


def wrong(slots: Sequence[Slot], roles: Sequence[int | None], ratings: Sequence[float]) -> str:
    """What contradicts the roles, in words that name the supplies; "" when nothing does or the load is too small."""
    part = [
        slot.readings.pout_w / rated
        if slot.healthy and slot.readings is not None and slot.readings.pout_w is not None
        else None
        for slot, rated in zip(slots, ratings, strict=True)
    ]
    carried_w = sum(share * rated for share, rated in zip(part, ratings, strict=True) if share)
    delivering_w = sum(rated for share, rated in zip(part, ratings, strict=True) if share and share > IDLE)
    if not delivering_w:
        return ""
    load = carried_w / delivering_w
    for index, (share, role) in enumerate(zip(part, roles, strict=True)):
        if share is None or role is None:
            continue
        if role in SLEEPS_BELOW and share > IDLE and load < SLEEPS_BELOW[role]:
            return f"supply {slots[index].name} is on standby {role - 1} and carries {share:.0%} of its rating"
        if role <= 1 and share <= IDLE and load > CARRIES:
            return f"supply {slots[index].name} is active and carries nothing while others carry {load:.0%}"
    return ""


class SharingWatch:
    """Remembers since when it is wrong."""

    def __init__(self) -> None:
        self._since: float | None = None

    def restart(self) -> None:
        self._since = None

    def violated(self, now_s: float, what: str) -> bool:
        """Whether the contradiction has lasted long enough to be believed."""
        if not what:
            self._since = None
        elif self._since is None:
            self._since = now_s
        return self._since is not None and now_s - self._since >= WRONG_FOR_S
