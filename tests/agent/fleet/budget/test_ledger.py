# SPDX-License-Identifier: Apache-2.0
"""The limit is never exceeded, whatever the network, the clocks and the coordinators do."""

from __future__ import annotations

import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fleet.bus import SECOND_NS
from tests.agent.fleet.budget.worlds import World, small_tree

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "60"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    duplication=st.sampled_from([0.0, 0.3]),
    most_delay_s=st.sampled_from([0, 1, 5, 15, 60]),
    trouble=st.sampled_from([0.0, 0.01, 0.1]),
    may_break=st.booleans(),
    real_control=st.booleans(),
    falls_back=st.booleans(),
)
def test_no_limit_is_exceeded(
    seed: int,
    loss: float,
    duplication: float,
    most_delay_s: int,
    trouble: float,
    may_break: bool,
    real_control: bool,
    falls_back: bool,
) -> None:
    """Where nothing falls back, a killed agent leaves the last cap behind, and the next one finds it."""
    tree = small_tree(falls_back=falls_back)
    delay_ns = most_delay_s * SECOND_NS
    World(random.Random(seed), loss, duplication, delay_ns, trouble, may_break, real_control, tree).run(400)


def test_the_worlds_are_not_idle() -> None:
    """Or the test above would show nothing."""
    worlds = [World(random.Random(seed), 0.1, 0.1, 2 * SECOND_NS, 0.02) for seed in range(5)]
    for world in worlds:
        world.run(600)
    assert sum(world.granted_above_base for world in worlds) > 200
    assert sum(world.takeovers for world in worlds) > 5
