# SPDX-License-Identifier: Apache-2.0
"""A reading: a value with a time, or unavailable with a reason (safety rule 14)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agent.profile.thermal_tables import Quantity

LOST_AFTER_POLLS = 2
"""One failed poll reads unavailable; so many in a row are a lost sensor."""

PLAUSIBLE: dict[Quantity, tuple[float, float]] = {
    Quantity.TEMPERATURE: (-100.0, 250.0),
    Quantity.HUMIDITY: (0.0, 100.0),
}
"""What a sensor can say at all, in its unit; anything else is a fault of the sensor."""
UNITS: dict[Quantity, str] = {Quantity.TEMPERATURE: "C", Quantity.HUMIDITY: "%"}


@dataclass(frozen=True, slots=True)
class SensorReading:
    """`value` is in the unit of the quantity, None when unavailable, and then `why` says so.

    `mono_ns` is when it was read; 0 = not yet.
    """

    value: float | None
    mono_ns: int
    why: str = ""

    @classmethod
    def unavailable(cls, why: str) -> SensorReading:
        return cls(None, time.monotonic_ns(), why)


NOT_READ_YET = SensorReading(None, 0, "not read yet")


def plausible(quantity: Quantity, reading: SensorReading) -> SensorReading:
    """The reading itself, or unavailable when no such sensor can say that. NaN is not plausible."""
    low, high = PLAUSIBLE[quantity]
    if reading.value is None or low <= reading.value <= high:
        return reading
    return SensorReading(None, reading.mono_ns, f"it says {reading.value:g} {UNITS[quantity]}, which cannot be")
