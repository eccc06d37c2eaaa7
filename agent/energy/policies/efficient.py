# SPDX-License-Identifier: Apache-2.0
"""No faster than work is cheapest: where the energy for a unit of work is least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Proposal

if TYPE_CHECKING:
    from agent.energy.policies.situation import Situation


@dataclass(frozen=True, slots=True)
class EfficientPolicy:
    """Slower costs more, because static power is drawn for longer; faster costs more, because power grows with f^3."""

    name: str = "efficient"

    def propose(self, situation: Situation) -> Proposal:
        if situation.optimal_w is None:
            return Proposal(self.name, None, "at which frequency work is cheapest is not known")
        return Proposal(self.name, situation.optimal_w, "work costs the least energy here")
