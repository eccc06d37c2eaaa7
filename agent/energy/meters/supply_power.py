# SPDX-License-Identifier: Apache-2.0
"""What the power supplies of this board draw from the mains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.meters.interface import NoReading, Quantity, Reading

if TYPE_CHECKING:
    from collections.abc import Callable


class SupplyPower:
    """Implements Meter over what the supply monitor has read."""

    name = "supplies"
    quantity = Quantity.NODE_W

    def __init__(self, input_w: Callable[[], float | None]) -> None:
        """`input_w`: of all supplies, None unless every one tells; agent.psu.power_meter.PowerMeter.present_w."""
        self._input_w = input_w

    def read(self, now_ns: int) -> Reading | NoReading:
        watts = self._input_w()
        if watts is None or not 0 <= watts < float("inf"):
            return NoReading(self.name, "not every supply tells its input power")
        return Reading(self.quantity, watts, self.name, False, now_ns)
