# SPDX-License-Identifier: Apache-2.0
"""The larger the renewable share of generation, the more power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.of_signal import OfSignal

if TYPE_CHECKING:
    from agent.energy.policies.situation import SignalView, Situation
    from agent.energy.signals.interface import SignalPoint


@dataclass(frozen=True, slots=True)
class RenewablePolicy(OfSignal):
    low: float = 0.0
    """Percent at which the least power is left."""
    high: float = 100.0
    """Percent from which on all of it."""

    def cap(self, point: SignalPoint, view: SignalView, situation: Situation) -> tuple[float | None, str]:
        share = (point.value - self.low) / (self.high - self.low)
        return situation.cap_range.share(share), f"{self.signal} is {point.value:g} %"
