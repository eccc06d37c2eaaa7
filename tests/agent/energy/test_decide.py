# SPDX-License-Identifier: Apache-2.0
"""From proposals to one cap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.decide import UNBOUND, Smoothing, decide
from agent.energy.policies.situation import CapRange, Proposal

RANGE = CapRange(min_w=10.0, max_w=40.0, safe_w=15.0)
AT_ONCE = Smoothing()
proposals = st.builds(
    Proposal,
    st.sampled_from(["price", "carbon", "thermal"]),
    st.none() | st.floats(-1e9, 1e9),
    st.just(""),
    st.booleans(),
)


def wish(cap_w: float | None, name: str = "price", urgent: bool = False) -> Proposal:
    return Proposal(name, cap_w, "", urgent)


def test_the_least_wish_binds() -> None:
    decision = decide([wish(30.0), wish(20.0, "carbon"), wish(None, "thermal")], RANGE, AT_ONCE, None, 0)
    assert (decision.cap_w, decision.binding.policy) == (20.0, "carbon")


def test_nothing_binds_when_nobody_asks_for_less() -> None:
    assert decide([], RANGE, AT_ONCE, None, 0).binding is UNBOUND
    decision = decide([wish(None), wish(40.0)], RANGE, AT_ONCE, 20.0, 1)
    assert (decision.cap_w, decision.binding) == (40.0, UNBOUND)


@pytest.mark.parametrize(
    ("wanted_w", "last_w", "elapsed_s", "cap_w"),
    [
        (30.0, 20.0, 2.0, 22.0),  # raised by 1 W/s
        (12.0, 20.0, 2.0, 16.0),  # lowered by 2 W/s
        (20.5, 20.0, 100.0, 20.0),  # a trifle
        (10.0, 10.5, 100.0, 10.0),  # a trifle to an end of the range
        (20.0, 99.0, 1.0, 38.0),  # what was in force outside of the range counts as its end
        (30.0, 20.0, -5.0, 20.0),  # a clock that went back
    ],
)
def test_how_a_cap_moves(wanted_w: float, last_w: float, elapsed_s: float, cap_w: float) -> None:
    smoothing = Smoothing(raise_w_per_s=1.0, lower_w_per_s=2.0, dead_band_w=1.0)
    assert decide([wish(wanted_w)], RANGE, smoothing, last_w, elapsed_s).cap_w == cap_w


def test_a_limit_of_the_hardware_lowers_at_once() -> None:
    slow = Smoothing(lower_w_per_s=0.1, dead_band_w=5.0)
    assert decide([wish(12.0, "thermal", urgent=True), wish(11.0)], RANGE, slow, 40.0, 1.0).cap_w == 12.0


@given(
    wishes=st.lists(proposals, max_size=5),
    last_w=st.none() | st.floats(-1e6, 1e6),
    elapsed_s=st.floats(-1e6, 1e6),
    smoothing=st.builds(Smoothing, st.floats(0, 1e3), st.floats(0, 1e3), st.floats(0, 50)),
)
def test_the_cap_is_always_within_its_range(
    wishes: list[Proposal], last_w: float | None, elapsed_s: float, smoothing: Smoothing
) -> None:
    decision = decide(wishes, RANGE, smoothing, last_w, elapsed_s)
    assert RANGE.min_w <= decision.cap_w <= RANGE.max_w
    for one in wishes:
        if one.urgent and one.cap_w is not None:
            assert decision.cap_w <= RANGE.clamp(one.cap_w)
