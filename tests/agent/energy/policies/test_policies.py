# SPDX-License-Identifier: Apache-2.0
"""What each policy proposes, and that none is stopped by bad or missing data."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.policies.carbon import CarbonBudgetPolicy, CarbonThresholdPolicy
from agent.energy.policies.limits import BatteryPolicy, SupplyPolicy, ThermalPolicy
from agent.energy.policies.price import PricePolicy
from agent.energy.policies.renewable import RenewablePolicy
from agent.energy.policies.situation import CapRange, Freshness, HeatView, Policy, Proposal, SignalView, Situation
from agent.energy.policies.volume import Reference, VolumePolicy
from agent.energy.signals.interface import SignalPoint

QUARTER_S = 900
RANGE = CapRange(min_w=10.0, max_w=40.0, safe_w=15.0)
FOLLOWERS: tuple[Policy, ...] = (
    VolumePolicy("volume", "s"),
    VolumePolicy("volume", "s", Reference.AVERAGE),
    PricePolicy("price", "s"),
    PricePolicy("price", "s", cheap=-5.0, dear=100.0),
    RenewablePolicy("renewable", "s"),
    CarbonThresholdPolicy("carbon", "s"),
    CarbonBudgetPolicy("budget", "s", budget_g=500.0),
)


def view(*values: float, freshness: Freshness = Freshness.FRESH) -> SignalView:
    """Quarters from 0 on, all of one day."""
    points = tuple(SignalPoint(number * QUARTER_S, QUARTER_S, value) for number, value in enumerate(values))
    return SignalView(freshness, points, points)


def situation(seen: SignalView | None, now_s: float = 0.0, carbon_today_g: float = 0.0) -> Situation:
    signals = {} if seen is None else {"s": seen}
    return Situation(now_s, 86_400.0, RANGE, signals, carbon_today_g=carbon_today_g)


def test_rule_of_three_gives_the_numbers_of_the_original() -> None:
    assert VolumePolicy("volume", "s").propose(situation(view(65.5, 120.6))).cap_w == pytest.approx(21.7247, abs=1e-4)
    mean = VolumePolicy("volume", "s", Reference.AVERAGE).propose(situation(view(50.0, 100.0)))
    assert mean.cap_w == pytest.approx(50 / 75 * 40)


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_no_volume_is_the_least_power(value: float) -> None:
    assert VolumePolicy("volume", "s").propose(situation(view(value, 120.6))).cap_w == RANGE.min_w


def test_prices_below_zero_are_prices() -> None:
    policy, seen = PricePolicy("price", "s"), view(-50.0, 0.0, 50.0)
    caps = [policy.propose(situation(seen, now_s=number * QUARTER_S)).cap_w for number in range(3)]
    assert caps == [40.0, 25.0, 10.0]
    assert policy.propose(situation(view(0.0, 0.0))).cap_w == RANGE.max_w


def test_renewable_share() -> None:
    assert RenewablePolicy("r", "s", low=20, high=80).propose(situation(view(50.0))).cap_w == 25.0


def test_carbon_is_given_up_for_a_while_after_the_threshold() -> None:
    policy = CarbonThresholdPolicy("carbon", "s")
    seen = view(300.0, 450.0, *[300.0] * 20)
    assert policy.propose(situation(seen)).cap_w is None
    assert policy.propose(situation(seen, now_s=QUARTER_S)).cap_w == pytest.approx(34.0)
    assert policy.propose(situation(seen, now_s=2 * QUARTER_S + 7199)).cap_w == pytest.approx(34.0)
    assert policy.propose(situation(seen, now_s=2 * QUARTER_S + 7201)).cap_w is None


def test_a_carbon_budget_is_spread_over_what_is_left_of_the_day() -> None:
    policy, seen = CarbonBudgetPolicy("budget", "s", budget_g=480.0), view(*[500.0] * 96)
    # 24 h at 500 g/kWh: 12 g for each watt
    assert policy.propose(situation(seen)).cap_w == pytest.approx(40.0)
    assert policy.propose(situation(seen, now_s=43_200.0, carbon_today_g=360.0)).cap_w == pytest.approx(20.0)
    assert policy.propose(situation(seen, carbon_today_g=480.0)).cap_w == RANGE.min_w


@pytest.mark.parametrize("policy", FOLLOWERS, ids=repr)
def test_without_data_it_is_the_safe_cap_and_stale_data_is_said(policy: Policy) -> None:
    for seen in (None, view(1.0, freshness=Freshness.EXPIRED), view()):
        proposal = policy.propose(situation(seen))
        assert (proposal.cap_w, proposal.why.endswith("the safe cap")) == (RANGE.safe_w, True)
    assert policy.propose(situation(view(1.0, freshness=Freshness.STALE))).why.endswith("(s is stale)")


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8),
    now_s=st.floats(0, 8 * QUARTER_S),
    used_g=st.floats(0, 1e6),
)
def test_whatever_is_said_is_a_proposal(values: list[float], now_s: float, used_g: float) -> None:
    for policy in FOLLOWERS:
        proposal = policy.propose(situation(view(*values), now_s=now_s, carbon_today_g=used_g))
        assert isinstance(proposal, Proposal)  # a cap that is no number would have raised
        assert proposal.why


@given(st.lists(st.floats(-500, 3000), min_size=2, max_size=96))
def test_dearer_is_never_more(prices: list[float]) -> None:
    policy, seen = PricePolicy("price", "s"), view(*sorted(prices))
    caps = [policy.propose(situation(seen, now_s=number * QUARTER_S)).cap_w for number in range(len(prices))]
    assert all(one is not None and other is not None and one >= other for one, other in pairwise(caps))


def test_limits_of_the_hardware_are_urgent_and_silent_when_nothing_is_known() -> None:
    known = replace(
        situation(None),
        node_w=30.0,
        headroom_w=-5.0,
        heat={"thermal": HeatView(22.0, "what keeps the trip away")},
        battery_share=0.6,
    )
    told = [policy.propose(known) for policy in (SupplyPolicy(), ThermalPolicy(), BatteryPolicy())]
    assert [proposal.cap_w for proposal in told] == [25.0, 22.0, 25.0]
    assert all(proposal.urgent for proposal in told)
    unknown = situation(None)
    assert [p.propose(unknown).cap_w for p in (SupplyPolicy(), ThermalPolicy(), BatteryPolicy())] == [None] * 3


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no point of a signal"):
        SignalPoint(0, 900, float("nan"))
    with pytest.raises(ValueError, match="cap range"):
        CapRange(20.0, 10.0, 20.0)
    with pytest.raises(ValueError, match="a cap of inf W"):
        Proposal("p", float("inf"), "")
