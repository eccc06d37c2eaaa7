# SPDX-License-Identifier: Apache-2.0
"""What all policies that follow a signal have in common: no data is the safe cap, and says so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Freshness, Proposal

if TYPE_CHECKING:
    from agent.energy.policies.situation import SignalView, Situation
    from agent.energy.signals.interface import SignalPoint


@dataclass(frozen=True, slots=True)
class OfSignal(ABC):
    """Follows the signal of this name."""

    name: str
    signal: str

    def propose(self, situation: Situation) -> Proposal:
        view = situation.signals.get(self.signal)
        if view is None or view.freshness is Freshness.EXPIRED:
            return self._safe(situation, f"nothing is known of {self.signal}")
        point = view.at(situation.now_s)
        if point is None:
            return self._safe(situation, f"{self.signal} has no value for now")
        cap_w, why = self.cap(point, view, situation)
        stale = f" ({self.signal} is stale)" if view.freshness is Freshness.STALE else ""
        return Proposal(self.name, cap_w, why + stale)

    @abstractmethod
    def cap(self, point: SignalPoint, view: SignalView, situation: Situation) -> tuple[float | None, str]:
        """`point` is the one that holds now."""

    def _safe(self, situation: Situation, why: str) -> Proposal:
        return Proposal(self.name, situation.cap_range.safe_w, f"{why}: the safe cap")
