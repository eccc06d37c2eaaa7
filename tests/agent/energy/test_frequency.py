# SPDX-License-Identifier: Apache-2.0
"""The pure half of frequencies: what they cost, which kind of work there is, boost that ends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.frequency.boost import Boost, BoostRefused, ask, still
from agent.energy.frequency.governor import Wish, governor, preference
from agent.energy.frequency.power_curve import PowerCurve, fit, through
from agent.energy.frequency.workload import Levels, Workload, WorkloadState, step


def test_energy_per_work_is_least_at_the_optimal_frequency() -> None:
    """Not at the lowest one, as it is for a power without a static part."""
    curve = PowerCurve(static_w=20.0, k=1.25)
    assert curve.optimal_ghz == pytest.approx(2.0)
    costs = {ghz / 10: curve.watts(ghz / 10) / (ghz / 10) for ghz in range(4, 41)}
    assert min(costs, key=lambda ghz: costs[ghz]) == pytest.approx(2.0)


@given(st.floats(0.0, 200.0), st.floats(0.01, 20.0))
def test_a_fit_finds_the_curve_that_the_points_came_from(static_w: float, k: float) -> None:
    truth = PowerCurve(static_w, k)
    found = fit([(ghz, truth.watts(ghz)) for ghz in (0.8, 1.5, 2.2, 3.0, 3.6)])
    if found is None:
        assert static_w < 1e-6  # rounding may put it below zero
        return
    assert found.static_w == pytest.approx(static_w, abs=1e-6)
    assert found.k == pytest.approx(k)
    assert found.ghz(found.watts(2.0)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(2.0, 30.0)],
        [(2.0, 30.0), (2.0, 31.0)],
        [(1.0, 40.0), (3.0, 20.0)],
        [(1.0, 1.0), (2.0, 100.0)],
        [(float("nan"), 20.0), (1.0, float("inf")), (2.0, 30.0)],
    ],
)
def test_points_that_tell_nothing_give_no_curve(points: list[tuple[float, float]]) -> None:
    assert fit(points) is None


def test_a_curve_through_its_ends() -> None:
    curve = through((0.6, 3.0), (1.8, 7.0))
    assert curve.watts(0.6) == pytest.approx(3.0)
    assert curve.watts(1.8) == pytest.approx(7.0)
    for slow, fast in (((1.0, 3.0), (1.0, 7.0)), ((1.0, 7.0), (2.0, 3.0))):
        with pytest.raises(ValueError, match="curve"):
            through(slow, fast)


def test_nothing_is_assumed_of_a_driver() -> None:
    assert governor(Wish.BALANCED, ("performance", "powersave")) == "powersave"
    assert governor(Wish.SAVING, ("userspace",)) is None
    assert governor(Wish.FAST, ()) is None
    assert preference(Wish.SAVING, ("balance_power",), "powersave") == "balance_power"
    assert preference(Wish.SAVING, (), "powersave") is None
    assert preference(Wish.FAST, ("performance",), "performance") is None


def seen(*readings: tuple[float, float]) -> list[Workload]:
    state, levels = WorkloadState(), Levels()
    found = []
    for now_s, utilisation in readings:
        state = step(state, utilisation, now_s, levels)
        found.append(state.workload)
    return found


def test_a_class_is_believed_when_it_lasts() -> None:
    assert seen((0, 0.9), (9, 0.9), (10, 0.9)) == [Workload.STEADY, Workload.STEADY, Workload.BUSY]
    assert seen((0, 0.9), (6, 0.5), (12, 0.9))[-1] is Workload.STEADY
    assert seen((0, 0.01), (10, 0.01))[-1] is Workload.IDLE


def test_a_reading_at_the_border_does_not_waver() -> None:
    found = seen((0, 0.9), (10, 0.9), *((20 + i, 0.66 if i % 2 else 0.71) for i in range(60)))
    assert set(found[1:]) == {Workload.BUSY}


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
def test_classes_change_no_faster_than_they_are_held(readings: list[float]) -> None:
    found = seen(*((float(second), value) for second, value in enumerate(readings)))
    changes = [second for second in range(1, len(found)) if found[second] is not found[second - 1]]
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(changes))


@pytest.mark.parametrize("levels", [{"steady": 0.8}, {"hysteresis": 0.0}, {"busy": 1.5}, {"hold_s": -1.0}])
def test_levels_that_contradict_each_other_are_refused(levels: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="workload levels"):
        Levels(**levels)


def test_a_boost_is_paid_from_what_there_is_and_ends() -> None:
    boost = ask(60.0, 20.0, 25.0, now_s=100.0)
    assert boost == Boost(160.0, 20.0)
    assert still(boost, 5.0, 159.9) is boost
    assert still(boost, 5.0, 160.0) is None
    assert still(boost, -0.1, 120.0) is None
    assert still(boost, None, 120.0) is None


@pytest.mark.parametrize(
    ("duration_s", "extra_w", "spare_w", "why"),
    [
        (60.0, 20.0, 19.0, "19 W are to spare"),
        (60.0, 20.0, None, "not known"),
        (0.0, 20.0, 50.0, "lasts up to"),
        (1e9, 20.0, 50.0, "lasts up to"),
        (60.0, -1.0, 50.0, "draws more"),
        (60.0, float("nan"), 50.0, "draws more"),
    ],
)
def test_a_boost_nobody_can_pay_is_refused(duration_s: float, extra_w: float, spare_w: float | None, why: str) -> None:
    refused = ask(duration_s, extra_w, spare_w, 0.0)
    assert isinstance(refused, BoostRefused)
    assert why in refused.reason
