# SPDX-License-Identifier: Apache-2.0
"""Limits of the hardware: heat, supplies, battery. Urgent: a lower cap of theirs holds at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Proposal

if TYPE_CHECKING:
    from agent.energy.policies.situation import Situation


@dataclass(frozen=True, slots=True)
class ThermalPolicy:
    """The power that keeps a trip away, as the thermal model says; a sensor that is lost counts as heat."""

    name: str = "thermal"

    def propose(self, situation: Situation) -> Proposal:
        view = situation.heat.get(self.name)
        if view is None:
            return Proposal(self.name, None, "nothing is known of the heat")
        if view.lost:
            return Proposal(self.name, situation.cap_range.safe_w, f"{view.why}: the safe cap", urgent=True)
        if view.hot:
            return Proposal(self.name, situation.cap_range.min_w, view.why, urgent=True)
        return Proposal(self.name, view.limit_w, view.why, urgent=view.limit_w is not None)


@dataclass(frozen=True, slots=True)
class SupplyPolicy:
    """Never more than the healthy supplies give."""

    name: str = "supply"

    def propose(self, situation: Situation) -> Proposal:
        if situation.node_w is None or situation.headroom_w is None:
            return Proposal(self.name, None, "the supplies' headroom is not known")
        cap_w = situation.node_w + situation.headroom_w
        about_w = round(situation.headroom_w, -1)
        return Proposal(self.name, cap_w, f"the supplies have about {about_w:.0f} W to spare", urgent=True)


@dataclass(frozen=True, slots=True)
class BatteryPolicy:
    """On battery: from all the power when it is full to the least at its reserve."""

    name: str = "battery"
    reserve: float = 0.2
    """Share of charge that is kept for a clean shutdown."""

    def propose(self, situation: Situation) -> Proposal:
        charge = situation.battery_share
        if charge is None:
            return Proposal(self.name, None, "not on battery")
        if situation.battery_surplus:
            return Proposal(self.name, None, f"on battery, {charge:.0%} charged: more than needed")
        share = (charge - self.reserve) / (1 - self.reserve)
        return Proposal(self.name, situation.cap_range.share(share), f"on battery, {charge:.0%} charged", urgent=True)
