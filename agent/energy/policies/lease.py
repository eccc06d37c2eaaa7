# SPDX-License-Identifier: Apache-2.0
"""What a coordinator has leased to this machine. Urgent: others rely on it that no more is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Proposal

if TYPE_CHECKING:
    from agent.energy.policies.situation import Situation


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """Added by itself where the site file's `[fleet]` has a budget."""

    name: str = "lease"

    def propose(self, situation: Situation) -> Proposal:
        lease = situation.lease
        if lease is None:
            return Proposal(self.name, None, "there is no budget")
        return Proposal(self.name, lease.cap_w, lease.why, urgent=True)
