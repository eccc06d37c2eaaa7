# SPDX-License-Identifier: Apache-2.0
"""The law of a known plant is found through noise, and nothing is claimed that was not seen."""

from __future__ import annotations

import math
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.least_squares import FIRST_INFORMATION, RecursiveLeastSquares
from agent.energy.thermal_fit import ThermalFit
from agent.energy.thermal_model import NoFit, ThermalModel, ThermalModelOptions
from agent.energy.thermal_steps import ThermalSteps
from tests.agent.energy.thermal_learning import fit_of, learnt, watch, why_not
from tests.agent.energy.thermal_plant import Load, ThermalPlant

LEFT = math.exp(-20 / 120)
NOTHING = (0.0, 0.0, 0.0)
EXACT = ThermalFit(
    step_s=20.0,
    a=LEFT,
    b=0.2 * (1 - LEFT),
    c=30 * (1 - LEFT),
    covariance=(NOTHING, NOTHING, NOTHING),
    process_noise_c=0.0,
    reading_noise_c=0.0,
    steps=100,
    seen_w=(80.0, 250.0),
)
"""0.2 K/W, 120 s, 30 degrees."""

# ---------------------------------------------------------------------- what follows from a law


def test_a_law_in_plain_numbers() -> None:
    assert EXACT.tau_s == pytest.approx(120)
    assert EXACT.kelvin_per_watt == pytest.approx(0.2)
    assert EXACT.ambient_c == pytest.approx(30)
    assert EXACT.steady_c(200) == pytest.approx(70)
    assert EXACT.after_c(50, 200, 120) == pytest.approx(70 - 20 / math.e)
    assert EXACT.after_c(50, 200, math.inf) == pytest.approx(70)


def test_when_a_trip_is_reached() -> None:
    assert EXACT.seconds_until(60, 50, 200) == pytest.approx(120 * math.log(2))
    assert EXACT.seconds_until(71, 50, 200) == math.inf
    assert EXACT.seconds_until(60, 61, 0) == 0


@given(st.floats(40, 95), st.floats(20, 94), st.floats(60, 3600))
def test_the_largest_power_just_does_not_reach_the_trip(trip_c: float, start_c: float, seconds: float) -> None:
    power_w = EXACT.largest_power_w(trip_c, start_c, seconds)
    if start_c >= trip_c:
        assert power_w == 0
    elif power_w > 0:
        assert EXACT.after_c(start_c, power_w, seconds) == pytest.approx(trip_c)
        assert EXACT.seconds_until(trip_c + 1e-6, start_c, power_w) >= seconds * 0.999
        assert EXACT.seconds_until(trip_c - 1e-6, start_c, power_w * 1.01) < seconds


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.1), (0.0, 0.1), (0.9, 0.0), (0.9, -1.0), (math.nan, 0.1)])
def test_what_is_no_law(a: float, b: float) -> None:
    with pytest.raises(ValueError, match="no law"):
        ThermalFit(20.0, a, b, 1.0, EXACT.covariance, 0.0, 0.0, 100, (0.0, 1.0))


# ---------------------------------------------------------------------- learning


@pytest.mark.parametrize("seed", range(5))
def test_a_known_plant_is_found_through_noise_and_whole_degrees(seed: int) -> None:
    fit = fit_of(learnt(seed)[0])
    assert fit.tau_s == pytest.approx(120, rel=0.08)
    assert fit.kelvin_per_watt == pytest.approx(0.2, rel=0.04)
    assert fit.ambient_c == pytest.approx(30, abs=1.0)


@pytest.mark.parametrize("tau_s", [60.0, 400.0])
def test_fast_and_slow_plants(tau_s: float) -> None:
    def change(plant: ThermalPlant) -> None:
        plant.tau_s = tau_s

    fit = fit_of(learnt(3, change)[0])
    assert fit.tau_s == pytest.approx(tau_s, rel=0.15)
    assert fit.kelvin_per_watt == pytest.approx(0.2, rel=0.06)


def test_the_largest_power_is_right_on_the_plant() -> None:
    """Held for ten minutes: never over the trip, and hardly anything is given away."""
    for seed in range(12):
        model, plant = learnt(seed)
        plant.draught_c = 0.0
        trip_c = plant.temperature_c + plant.chance.uniform(3, 25)
        left = math.exp(-600 / plant.tau_s)
        needed_c = (trip_c - left * plant.temperature_c) / (1 - left)
        true_w = (needed_c - plant.ambient_c) / plant.kelvin_per_watt
        power_w = model.largest_power_w(trip_c, plant.read())
        assert power_w is not None
        assert 0.94 * true_w < power_w < true_w
        hottest_c = 0.0
        for _ in range(600):
            plant.pass_by(1, power_w)
            hottest_c = max(hottest_c, plant.temperature_c)
        assert trip_c - 4 < hottest_c < trip_c


def test_warmer_air_is_learnt_anew() -> None:
    model, plant = learnt(2)
    plant.ambient_c = 38
    watch(model, plant, Load(plant.chance), 3 * 3600)
    assert fit_of(model).ambient_c == pytest.approx(38, abs=1.0)


def test_what_power_does_is_not_forgotten_under_constant_load_and_the_air_is_still_followed() -> None:
    """Plain forgetting fails here: after hours without a change nothing is known of any other load."""
    model, plant = learnt(4)
    plant.ambient_c = 33
    watch(model, plant, Load(plant.chance, least_w=120, most_w=120), 12 * 3600)
    fit = fit_of(model)
    assert fit.kelvin_per_watt == pytest.approx(0.2, rel=0.1)
    assert fit.steady_c(120) == pytest.approx(plant.steady_c(120), abs=0.5)


def test_each_band_of_fan_speed_has_its_own_law() -> None:
    chance = random.Random(6)
    model, plant, load = ThermalModel(), ThermalPlant(chance=chance), Load(chance)
    for _ in range(6):
        for percent, kelvin_per_watt in ((40.0, 0.3), (90.0, 0.15)):
            plant.kelvin_per_watt = kelvin_per_watt
            watch(model, plant, load, 1200, percent)
    assert fit_of(model).kelvin_per_watt == pytest.approx(0.15, rel=0.05)
    slow = model.fit(model.band_of(40))
    assert isinstance(slow, ThermalFit)
    assert slow.kelvin_per_watt == pytest.approx(0.3, rel=0.05)
    nothing = model.fit(model.band_of(10))
    assert isinstance(nothing, NoFit)
    assert "this fan speed" in nothing.why


def test_a_fan_that_hovers_about_an_edge_does_not_hinder_learning() -> None:
    chance = random.Random(6)
    model, plant, load = ThermalModel(), ThermalPlant(chance=chance), Load(chance)
    for number in range(360):
        watch(model, plant, load, 15, 49.0 if number % 2 else 51.0)
    assert fit_of(model).kelvin_per_watt == pytest.approx(0.2, rel=0.05)
    model.add(plant.now_s + 1, 50.0, 100.0, 60.0)
    assert model.band == model.band_of(60)


# ---------------------------------------------------------------------- what is not believed


def test_before_anything_is_known() -> None:
    model = ThermalModel()
    assert "nothing" in why_not(model)
    assert model.largest_power_w(90, 50) is None
    watch(model, ThermalPlant(), Load(random.Random(1)), 300)
    assert "30 are needed" in why_not(model)


def test_constant_power_teaches_nothing() -> None:
    chance = random.Random(1)
    model = ThermalModel()
    watch(model, ThermalPlant(chance=chance, temperature_c=54), Load(chance, least_w=120, most_w=120), 7200)
    assert isinstance(model.fit(), NoFit)
    assert model.largest_power_w(90, 50) is None


def test_a_sensor_that_power_does_not_heat_has_no_law() -> None:
    for seed in range(5):
        model, _ = learnt(seed, lambda plant: setattr(plant, "kelvin_per_watt", 0.0))
        assert isinstance(model.fit(), NoFit)


def test_a_sensor_that_gets_colder_with_power_has_no_law() -> None:
    model, _ = learnt(1, lambda plant: setattr(plant, "kelvin_per_watt", -0.1))
    assert "does not make it hotter" in why_not(model)


def test_a_temperature_that_only_rises_has_no_law() -> None:
    model = ThermalModel()
    for second in range(3600):
        model.add(second, 20 + second * 0.01 + 0.00001 * second**2, 100 + second % 7)
    assert isinstance(model.fit(), NoFit)


def test_lies_of_a_sensor_are_not_learnt() -> None:
    model, plant = learnt(7)
    before = fit_of(model)
    for _ in range(30):
        watch(model, plant, Load(plant.chance), 60)
        for lie in (math.nan, math.inf, -math.inf):
            model.add(plant.now_s, lie, 100.0)
            model.add(plant.now_s, 50.0, lie)
        model.add(plant.now_s + 1, 50.0, -5.0)
        model.add(plant.now_s + 1, 50.0, 100.0, 250.0)
    assert fit_of(model).kelvin_per_watt == pytest.approx(before.kelvin_per_watt, rel=0.1)


def test_readings_over_a_gap_are_not_joined() -> None:
    model, plant = learnt(8)
    before = fit_of(model)
    for _ in range(50):  # it was somewhere else in the meantime, by another power
        plant.pass_by(300, 400.0)
        watch(model, plant, Load(plant.chance, least_w=60, most_w=61, typical_s=1e9), 30)
    after = fit_of(model)
    assert after.steps <= before.steps + 50
    assert after.kelvin_per_watt == pytest.approx(before.kelvin_per_watt, rel=0.1)


reading = st.tuples(
    st.floats(-10, 30),
    st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 100),
    st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 400),
    st.none() | st.floats(-10, 110),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(reading, max_size=300))
def test_any_readings_end_in_a_law_or_a_reason(readings: list[tuple[float, float, float, float | None]]) -> None:
    model, now_s = ThermalModel(ThermalModelOptions(step_s=5)), 0.0
    for passed_s, temperature_c, power_w, fan_percent in readings:
        now_s += passed_s
        model.add(now_s, temperature_c, power_w, fan_percent)
    fit = model.fit()
    if isinstance(fit, ThermalFit):
        assert math.isfinite(fit.largest_power_w(90, 50, 600, 2.0))
        assert math.isfinite(fit.error_c(50, 100, math.inf))


@pytest.mark.parametrize(
    "bad",
    [
        {"step_s": 1},
        {"forgetting": 0.9},
        {"forgetting": 1.0},
        {"fan_bands_percent": [50, 30]},
        {"fan_bands_percent": [0]},
        {"fans": 3},
    ],
)
def test_options_that_are_none(bad: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, ThermalModelOptions)


# ---------------------------------------------------------------------- its parts


def test_steps_hold_the_means_of_what_was_between_them() -> None:
    steps = ThermalSteps(10)
    found = [step for second in range(0, 61, 4) for step in steps.add(5 + second, 40 + second, 100 + 2 * second)]
    # the first window, from 5 to 10 s, is not whole; a line's mean is its middle
    assert [(step.before_c, step.after_c) for step in found] == [(50, 60), (60, 70), (70, 80), (80, 90)]
    assert [step.power_w for step in found] == [130, 150, 170, 190]


def test_time_that_goes_back_begins_anew() -> None:
    steps = ThermalSteps(10)
    for at_s in (0.0, 5.0, 10.0, 15.0, 3.0, 8.0, 13.0, 19.9):
        assert steps.add(at_s, 50, 100) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(-100, 100)), max_size=300),
    st.floats(0.9, 1.0),
    st.lists(st.booleans(), min_size=1),
)
def test_the_covariance_is_bounded_whatever_is_seen(
    rows: list[tuple[float, float, float]], forgetting: float, ways: list[bool]
) -> None:
    squares = RecursiveLeastSquares((0.0, 0.0, 0.0), forgetting)
    for number, (first, second, y) in enumerate(rows):
        squares.see((first, second, 1.0), y, forget=ways[number % len(ways)])
        assert all(math.isfinite(one) for one in squares.unknowns)
        assert all(0 < squares.inverse[index][index] < 2 / FIRST_INFORMATION for index in range(3))


def test_forgetting_nothing_is_least_squares() -> None:
    chance, squares = random.Random(1), RecursiveLeastSquares((0.0, 0.0), 1.0)
    xs = [chance.uniform(-1, 1) for _ in range(500)]
    for x in xs:
        squares.see((x, 1.0), 3 * x - 2, forget=True)
    assert squares.unknowns == pytest.approx([3, -2], abs=1e-4)
    assert squares.inverse[1][1] == pytest.approx(1 / 500, rel=0.05)
    with pytest.raises(ValueError, match="forgetting"):
        RecursiveLeastSquares((0.0,), 0.5)
