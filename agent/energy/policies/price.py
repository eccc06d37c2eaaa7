# SPDX-License-Identifier: Apache-2.0
"""The dearer, the less power: a straight line between a cheap and a dear price. Negative prices are prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.of_signal import OfSignal

if TYPE_CHECKING:
    from agent.energy.policies.situation import SignalView, Situation
    from agent.energy.signals.interface import SignalPoint


@dataclass(frozen=True, slots=True)
class PricePolicy(OfSignal):
    cheap: float | None = None
    """All the power at this price and below; None = the day's lowest."""
    dear: float | None = None
    """The least at this price and above; None = the day's highest."""

    def cap(self, point: SignalPoint, view: SignalView, situation: Situation) -> tuple[float | None, str]:
        values = [other.value for other in view.day] or [point.value]
        cheap = min(values) if self.cheap is None else self.cheap
        dear = max(values) if self.dear is None else self.dear
        why = f"{self.signal} is {point.value:g}, cheap {cheap:g}, dear {dear:g}"
        if point.value <= cheap:
            return situation.cap_range.max_w, why
        if point.value >= dear:
            return situation.cap_range.min_w, why
        return situation.cap_range.share((dear - point.value) / (dear - cheap)), why
