# SPDX-License-Identifier: Apache-2.0
"""Three bands of a limit: above the first it is cut to the second, and released only below the third. Pure."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.fleet.budget.tables import BandTable


class Band(Enum):
    """Where a group's power is."""

    CUT = "cut"
    """Caps are lowered to the target."""
    HOLD = "hold"
    """Nothing is released."""
    RELEASE = "release"
    """Caps may rise."""


def band_of(watts: float, limit_w: float, bands: BandTable) -> Band:
    if watts >= bands.cap * limit_w:
        return Band.CUT
    return Band.HOLD if watts >= bands.release * limit_w else Band.RELEASE


def is_latched(latched: bool, band: Band) -> bool:
    """A cut group stays at its target until it is released."""
    return band is Band.CUT or (latched and band is Band.HOLD)
