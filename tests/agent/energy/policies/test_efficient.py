# SPDX-License-Identifier: Apache-2.0
"""A cap where work is cheapest."""

from __future__ import annotations

from dataclasses import replace

from agent.energy.policies.efficient import EfficientPolicy
from agent.energy.policies.situation import CapRange, Situation


def test_it_follows_what_was_measured_and_is_silent_before() -> None:
    unknown = Situation(0.0, 86_400.0, CapRange(10.0, 40.0, 10.0))
    assert EfficientPolicy().propose(unknown).cap_w is None
    assert EfficientPolicy().propose(replace(unknown, optimal_w=23.5)).cap_w == 23.5
