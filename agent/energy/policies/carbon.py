# SPDX-License-Identifier: Apache-2.0
"""Less power while electricity is dirty, and no more than a day's budget of carbon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.of_signal import OfSignal

if TYPE_CHECKING:
    from agent.energy.policies.situation import SignalView, Situation
    from agent.energy.signals.interface import SignalPoint

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class CarbonThresholdPolicy(OfSignal):
    """Above the threshold, and for a while after its last crossing, a part of the largest cap is given up."""

    threshold_g_per_kwh: float = 400.0
    reduction: float = 0.15
    hold_s: float = 7200.0

    def cap(self, point: SignalPoint, view: SignalView, situation: Situation) -> tuple[float | None, str]:
        recent = view.between(situation.now_s - self.hold_s, situation.now_s + 1e-6)
        dirty = [other for other in recent if other.value > self.threshold_g_per_kwh]
        if not dirty:
            return None, f"{self.signal} is {point.value:g} g/kWh"
        above = f"above {self.threshold_g_per_kwh:g} within {self.hold_s / HOUR_S:g} h"
        return situation.cap_range.max_w * (1 - self.reduction), f"{self.signal} is {point.value:g} g/kWh; {above}"


@dataclass(frozen=True, slots=True)
class CarbonBudgetPolicy(OfSignal):
    """What is left of the day's budget, spread evenly over what is left of the day: grams = W x h / 1000 x g/kWh."""

    budget_g: float = 0.0

    def cap(self, point: SignalPoint, view: SignalView, situation: Situation) -> tuple[float | None, str]:
        left_g = self.budget_g - situation.carbon_today_g
        why = f"{max(left_g, 0.0):.0f} of {self.budget_g:.0f} g are left for today"
        ahead = view.between(situation.now_s, situation.day_end_s) or (point,)
        g_per_w = sum(
            (min(other.end_s, situation.day_end_s) - max(other.start_s, situation.now_s)) / HOUR_S * other.value / 1000
            for other in ahead
        )
        if left_g <= 0:
            return situation.cap_range.min_w, why
        if g_per_w * situation.cap_range.max_w < left_g:
            return None, why  # enough for all the power until the day ends
        return left_g / g_per_w, why
