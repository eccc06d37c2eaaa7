# SPDX-License-Identifier: Apache-2.0
"""How fast fans should turn: curves, hysteresis, slew, and fail-safe whenever an input is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.profile.thermal_tables import CurveTable, FanTable
from agent.thermal.fan_plan import Demand, FanPlan, duty_at
from agent.thermal.fan_turning import SETTLE_NS, Turning

S = 1_000_000_000
POINTS = ((40.0, 30.0), (60.0, 60.0), (80.0, 100.0))
TABLE = FanTable(
    name="front",
    chip="nct6775",
    curves=(CurveTable(zone="cpu", points=POINTS), CurveTable(zone="inlet", points=((25.0, 20.0), (45.0, 90.0)))),
    min_duty=25,
    max_duty=95,
    hysteresis_c=2,
    slew_percent_per_s=5,
)
COOL = Demand(20.0)


@pytest.mark.parametrize(
    ("celsius", "duty"), [(-40, 30), (40, 30), (50, 45), (60, 60), (70, 80), (80, 100), (150, 100)]
)
def test_a_curve_is_straight_between_its_points_and_level_beyond(celsius: float, duty: float) -> None:
    assert duty_at(POINTS, celsius) == duty


def steps(plan: FanPlan, *demands: tuple[float, Demand, Demand]) -> list[float | None]:
    """Duties at times in seconds."""
    duties = []
    for at_s, cpu, inlet in demands:
        plan = plan.next(round(at_s * S), {"cpu": cpu, "inlet": inlet, "other": Demand(None, fail_safe=True)})
        duties.append(plan.duty)
    return duties


def test_nothing_is_driven_before_anything_is_known() -> None:
    assert steps(FanPlan(TABLE), (1, Demand(None), Demand(None))) == [None]


def test_the_zone_that_asks_most_wins_within_the_bounds() -> None:
    assert steps(FanPlan(TABLE), (1, Demand(60), COOL)) == [60]
    assert steps(FanPlan(TABLE), (1, Demand(50), Demand(45))) == [90]
    assert steps(FanPlan(TABLE), (1, Demand(90), COOL)) == [95]
    assert steps(FanPlan(TABLE), (1, Demand(30), COOL)) == [30]
    assert steps(FanPlan(TABLE), (1, Demand(30, full=True), COOL)) == [95]


def test_it_speeds_up_at_once_and_slows_down_slowly() -> None:
    duties = steps(
        FanPlan(TABLE), (1, Demand(40), COOL), (2, Demand(60), COOL), (3, Demand(20), COOL), (4, Demand(20), COOL)
    )
    assert duties == [30, 60, 55, 50]


def test_it_does_not_hunt() -> None:
    flicker = [(at_s, Demand(50 + at_s % 2 * 1.9), COOL) for at_s in range(1, 50)]
    assert len(set(steps(FanPlan(TABLE), *flicker)[1:])) == 1


def test_fail_safe_is_never_less_than_the_heat_asks() -> None:
    table = FanTable(name="front", chip="x", curves=TABLE.curves[:1], fail_safe_duty=50)
    lost = Demand(None, fail_safe=True)
    assert FanPlan(table).next(S, {"cpu": lost}).duty == 50
    assert FanPlan(table).next(S, {"cpu": Demand(80, fail_safe=True)}).duty == 100


DEMANDS = st.builds(Demand, st.one_of(st.none(), st.floats(-40, 150)), st.booleans(), st.booleans())


@given(st.lists(st.tuples(st.floats(0, 100), DEMANDS, DEMANDS), max_size=30))
def test_any_life_of_a_fan(life: list[tuple[float, Demand, Demand]]) -> None:
    plan, now_ns = FanPlan(TABLE), 0
    for after_s, cpu, inlet in life:
        now_ns += round(after_s * S)
        before, plan = plan, plan.next(now_ns, {"cpu": cpu, "inlet": inlet})
        known = any(demand.celsius is not None or demand.full or demand.fail_safe for demand in (cpu, inlet))
        assert plan.duty is not None or not known
        if plan.duty is None:
            continue
        assert TABLE.min_duty <= plan.duty <= 100
        if cpu.fail_safe or inlet.fail_safe:
            assert plan.duty == TABLE.fail_safe_duty
        for demand, curve in zip((cpu, inlet), TABLE.curves, strict=True):
            if demand.celsius is not None:
                assert plan.duty >= min(duty_at(curve.points, demand.celsius), TABLE.max_duty)
        if before.duty is not None:
            assert plan.duty >= before.duty - TABLE.slew_percent_per_s * after_s - 1e-6


def test_a_stall_is_believed_after_a_while_and_once() -> None:
    turning = Turning().take(0, 1000, 300, expected=True)
    assert turning.stalled is False
    turning = turning.take(S, 0, 300, expected=True)
    turning = turning.take(2 * S, 1000, 300, expected=True)  # a glitch
    turning = turning.take(3 * S, 0, 300, expected=True)
    assert turning.take(3 * S + SETTLE_NS - 1, 0, 300, expected=True).stalled is False
    turning = turning.take(3 * S + SETTLE_NS, 0, 300, expected=True)
    assert turning.stalled is True
    assert turning.take(9 * S, 0, 300, expected=False).stalled is None


def test_a_fan_that_never_turned_is_stalled_and_one_without_a_tachometer_is_not() -> None:
    assert Turning().take(0, 0, 300, expected=True).take(SETTLE_NS, 0, 300, expected=True).stalled is True
    assert Turning().take(0, None, 300, expected=True).take(SETTLE_NS, None, 300, expected=True).stalled is None
