# SPDX-License-Identifier: Apache-2.0
"""The rule of three: the more is traded in a quarter, the more power. A proxy; kept for those who come from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from typing import TYPE_CHECKING

from agent.energy.policies.of_signal import OfSignal

if TYPE_CHECKING:
    from agent.energy.policies.situation import SignalView, Situation
    from agent.energy.signals.interface import SignalPoint


class Reference(Enum):
    """What the present volume is compared with: that of the local day."""

    MAXIMUM = "maximum"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class VolumePolicy(OfSignal):
    reference: Reference = Reference.MAXIMUM

    def cap(self, point: SignalPoint, view: SignalView, situation: Situation) -> tuple[float | None, str]:
        limits = situation.cap_range
        values = [other.value for other in view.day] or [point.value]
        reference = max(values) if self.reference is Reference.MAXIMUM else fmean(values)
        if point.value <= 0 or reference <= 0:
            return limits.min_w, f"{self.signal} is {point.value:g}"
        return point.value / reference * limits.max_w, f"{self.signal} is {point.value:g} of {reference:g}"
