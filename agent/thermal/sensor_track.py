# SPDX-License-Identifier: Apache-2.0
"""What a zone remembers of one sensor: its last two valid readings, and how often it did not answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.thermal.reading import LOST_AFTER_POLLS

if TYPE_CHECKING:
    from agent.thermal.reading import SensorReading

STALE_NS = 10_000_000_000
"""A sensor without a new reading for so long is lost, whatever the poller says."""


@dataclass(frozen=True, slots=True)
class SensorTrack:
    """`latest` is None while the sensor has no valid reading; `previous` is the valid one before, if in a row."""

    heard_ns: int
    """When the last reading, valid or not, was made."""
    latest: float | None = None
    previous: float | None = None
    missed: int = 0
    """Polls without a value, in a row."""
    lost: bool = False
    why: str = ""

    def take(self, now_ns: int, reading: SensorReading) -> SensorTrack:
        """Take in what the sensor said last; the same reading twice is one."""
        if reading.mono_ns <= self.heard_ns:
            if now_ns - self.heard_ns < STALE_NS or self.lost:
                return self
            why = reading.why or "nothing new was read for a while"
            return replace(self, latest=None, previous=None, lost=True, why=why)
        if reading.value is None:
            missed = self.missed + 1
            if missed < LOST_AFTER_POLLS and not self.lost:
                return replace(self, heard_ns=reading.mono_ns, missed=missed, why=reading.why)
            return SensorTrack(reading.mono_ns, missed=missed, lost=True, why=reading.why)
        in_a_row = not self.lost and reading.mono_ns - self.heard_ns < STALE_NS
        return SensorTrack(reading.mono_ns, reading.value, self.latest if in_a_row else None)

    @property
    def valid(self) -> float | None:
        """The reading of the last poll; None if it gave none."""
        return None if self.missed or self.lost else self.latest

    def reaches(self, celsius: float, readings: int) -> bool:
        """Whether the last reading, or the last two, are at or above a temperature."""
        seen = (self.latest, self.previous)[:readings]
        return self.valid is not None and all(value is not None and value >= celsius for value in seen)

    def stays_below(self, celsius: float, readings: int) -> bool:
        """Whether the last reading, or the last two, are below a temperature."""
        seen = (self.latest, self.previous)[:readings]
        return self.valid is not None and all(value is not None and value < celsius for value in seen)
