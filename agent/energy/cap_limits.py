# SPDX-License-Identifier: Apache-2.0
"""Between what a cap moves: what the site file says, within what the actuator can. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.energy.policies.situation import CapRange

if TYPE_CHECKING:
    from agent.energy.tables import EnergyTable


class LimitsError(Exception):
    """No cap can be between these; one sentence with the keys and the cure."""


def cap_limits(table: EnergyTable, actuator: str, can_w: tuple[float, float] | None) -> CapRange:
    """`can_w` is what the actuator says of itself, None = nothing. Raises LimitsError."""
    low_w, high_w = can_w or (None, None)
    min_w = table.min_w if low_w is None else max(table.min_w or low_w, low_w)
    max_w = table.max_w if high_w is None else min(table.max_w or high_w, high_w)
    if min_w is None or max_w is None:
        raise LimitsError(f"the actuator {actuator} tells no limits here: give energy.min_w and energy.max_w")
    if not (min_w > 0 and math.isfinite(max_w)):
        cure = "give energy.min_w and energy.max_w"
        raise LimitsError(f"the actuator {actuator} takes {min_w:g} to {max_w:g} W, which is no range: {cure}")
    if min_w > max_w:
        told = f"the actuator {actuator} takes {low_w:g} to {high_w:g} W" if can_w else "energy.min_w and energy.max_w"
        raise LimitsError(f"no cap is at least {min_w:g} and at most {max_w:g} W ({told})")
    safe_w = min_w if table.safe_w is None else min(max(table.safe_w, min_w), max_w)
    return CapRange(min_w, max_w, safe_w)
