# SPDX-License-Identifier: Apache-2.0
"""All meters of a machine: for each quantity the first that can tell, measured before estimated."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.energy.meters.interface import NoReading, Quantity, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.energy.meters.interface import Meter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known at one instant, and why the rest is not."""

    readings: Mapping[Quantity, Reading] = field(default_factory=dict)
    missing: tuple[NoReading, ...] = ()

    def watts(self, quantity: Quantity) -> float | None:
        reading = self.readings.get(quantity)
        return None if reading is None else reading.watts


class MeterSet:
    """Used on the meters' thread."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        """In the order in which they are believed; a measured power wins over an estimated one all the same."""
        self._meters = tuple(meters)
        self._broken: set[str] = set()

    def read(self, now_ns: int) -> Measured:
        """Every meter is read, so that those that need two readings have them."""
        readings: dict[Quantity, Reading] = {}
        missing: list[NoReading] = []
        for meter in self._meters:
            answer = self._read(meter, now_ns)
            if isinstance(answer, NoReading):
                missing.append(answer)
                continue
            known = readings.get(answer.quantity)
            if known is None or (known.estimated and not answer.estimated):
                readings[answer.quantity] = answer
        return Measured(readings, tuple(missing))

    def _read(self, meter: Meter, now_ns: int) -> Reading | NoReading:
        """A meter that breaks its promise costs its own reading only; its first traceback is told."""
        try:
            return meter.read(now_ns)
        except Exception as error:
            level = logging.DEBUG if meter.name in self._broken else logging.ERROR
            log.log(level, "meter %s", meter.name, exc_info=True)
            self._broken.add(meter.name)
            return NoReading(meter.name, f"{type(error).__name__}: {error}")
