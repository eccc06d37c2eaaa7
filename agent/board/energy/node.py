# SPDX-License-Identifier: Apache-2.0
"""What the energy controller knows, as facts for the node of a Kubernetes cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.actuators.interface import Answer
from agent.energy.kubernetes.node_keys import NodeFacts
from agent.energy.signals.interface import SignalUnit

if TYPE_CHECKING:
    from agent.energy.controller import EnergyController
    from agent.energy.signals.interface import SignalPoint


def node_facts(controller: EnergyController, zone: str) -> NodeFacts | None:
    """None while nothing is decided. The first signal of each unit counts."""
    view = controller.view
    situation, decision, limits = view.situation, view.decision, view.cap_range
    if situation is None or decision is None or limits is None:
        return None
    first: dict[SignalUnit, SignalPoint | None] = {}
    providers = []
    for name, feed in controller.feeds.items():
        point = situation.signals[name].at(situation.now_s) if name in situation.signals else None
        if first.setdefault(feed.source.unit, point) is point and point is not None:
            providers.append(feed.source.origin)
    return NodeFacts(
        at_s=situation.now_s,
        min_w=limits.min_w,
        max_w=limits.max_w,
        cap_w=_in_force(controller),
        binding=decision.binding.policy,
        provider=",".join(dict.fromkeys(providers)),
        zone=zone,
        volume_mwh=first.get(SignalUnit.MWH),
        price_eur_per_mwh=first.get(SignalUnit.EUR_PER_MWH),
        carbon_g_per_kwh=first.get(SignalUnit.G_PER_KWH),
    )


def _in_force(controller: EnergyController) -> float | None:
    """As it was read back; what an actuator cannot read, as it was set."""
    applied = controller.view.applied
    if applied is None or applied.answer not in (Answer.DONE, Answer.CLAMPED):
        return None
    return applied.wanted_w if applied.in_force_w is None else applied.in_force_w
