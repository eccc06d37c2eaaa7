# SPDX-License-Identifier: Apache-2.0
"""What the cap would be at other times of the day, by what is known now. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.energy.asking import asked
from agent.energy.decide import Smoothing, decide
from agent.energy.slots import local_day, quarters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.policies.situation import Policy, Situation


@dataclass(frozen=True, slots=True)
class Expected:
    """From `start_s` (Unix time) for a quarter of an hour."""

    start_s: int
    cap_w: float
    policy: str


def outlook(policies: Sequence[Policy], situation: Situation, zone: str) -> tuple[Expected, ...]:
    """Every quarter of the local day. What is no signal (heat, supplies, battery) is taken as it is now."""
    found = []
    for slot in quarters(local_day(situation.now_s, zone), zone):
        then = replace(situation, now_s=float(slot.start_utc_s))
        decision = decide(asked(policies, then), situation.cap_range, Smoothing(), None, 0.0)
        found.append(Expected(slot.start_utc_s, decision.cap_w, decision.binding.policy))
    return tuple(found)
