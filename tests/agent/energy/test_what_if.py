# SPDX-License-Identifier: Apache-2.0
"""Answers are right as often as they say, on a plant whose law is known, and are refused where nothing is known."""

from __future__ import annotations

import math
import random
from statistics import mean

import pytest

from agent.energy.thermal_model import ThermalModel
from agent.energy.what_if import (
    AmbientUp,
    CapUp,
    Change,
    FanLost,
    Interval,
    LoadUp,
    NoPrediction,
    Prediction,
    ThermalNow,
    what_if,
)
from tests.agent.energy.thermal_learning import learnt, mean_reading_c, watch
from tests.agent.energy.thermal_plant import Load, ThermalPlant


def told(answer: Prediction | NoPrediction) -> Prediction:
    assert isinstance(answer, Prediction), answer
    return answer


def refusal(answer: Prediction | NoPrediction) -> str:
    assert isinstance(answer, NoPrediction), answer
    return answer.why


class Score:
    """How often a reading was within, and how wide the interval was beside what the readings needed."""

    def __init__(self) -> None:
        self._inside: list[bool] = []
        self._widths: list[float] = []
        self._errors: list[float] = []

    def add(self, interval: Interval, reading_c: float) -> None:
        self._inside.append(interval.low_c <= reading_c <= interval.high_c)
        self._widths.append(interval.high_c - interval.low_c)
        self._errors.append(reading_c - interval.value_c)

    @property
    def coverage(self) -> float:
        return mean(self._inside)

    @property
    def width(self) -> float:
        """1 = exactly what holds nine of ten errors of this size."""
        return mean(self._widths) / (2 * 1.645 * math.sqrt(mean(error**2 for error in self._errors)))


def run(seed: int, change: Change, soon: Score, steady: Score) -> None:
    """The change really happens: more power, or warmer air."""

    def draughty(plant: ThermalPlant) -> None:
        plant.draught_c = 0.05

    model, plant = learnt(seed, draughty)
    power_w = plant.chance.uniform(80, 180)
    start_c = mean_reading_c(plant, power_w)
    answer = told(what_if(model, ThermalNow(start_c, power_w), change))
    if isinstance(change, AmbientUp):
        plant.ambient_c += change.kelvin
    for _ in range(580):
        plant.pass_by(1, answer.power_w)
    soon.add(answer.in_10_min, mean_reading_c(plant, answer.power_w))
    for _ in range(120):
        plant.pass_by(10, answer.power_w)
    steady.add(answer.steady, mean_reading_c(plant, answer.power_w))


@pytest.mark.parametrize("change", [LoadUp(watts=60), AmbientUp(5)], ids=["load", "ambient"])
def test_nine_of_ten_readings_are_within_and_the_interval_is_no_wider_than_that_needs(change: Change) -> None:
    soon, steady = Score(), Score()
    for seed in range(60):
        run(seed, change, soon, steady)
    for score in (soon, steady):
        assert 0.80 <= score.coverage <= 0.98
        assert 0.75 < score.width < 1.5


def test_what_each_change_means() -> None:
    model, plant = learnt(1)
    now = ThermalNow(plant.steady_c(100), 100.0)
    same = told(what_if(model, now, LoadUp())).steady.value_c
    assert same == pytest.approx(plant.steady_c(100), abs=0.5)
    half = told(what_if(model, now, LoadUp(percent=50)))
    assert half.power_w == pytest.approx(150)
    assert half.steady.value_c == pytest.approx(same + 10, abs=0.7)
    assert half.in_10_min.value_c < half.steady.value_c
    assert told(what_if(model, now, LoadUp(watts=50))) == half
    assert told(what_if(model, now, CapUp(150))) == half
    assert told(what_if(model, now, CapUp(80))).power_w == 100
    assert told(what_if(model, now, LoadUp(percent=-100, watts=-5))).power_w == 0
    warmer = told(what_if(model, now, AmbientUp(4)))
    assert warmer.steady.value_c == pytest.approx(same + 4)
    assert same + 3 < warmer.in_10_min.value_c < same + 4
    surer = told(what_if(model, now, LoadUp(), confidence=0.5)).steady
    assert surer.high_c - surer.low_c < 0.5 * (half.steady.high_c - half.steady.low_c)


def test_far_outside_of_what_was_seen_is_less_sure_and_said() -> None:
    model, _ = learnt(1)
    now = ThermalNow(50.0, 100.0)
    near, far = told(what_if(model, now, LoadUp(watts=50))), told(what_if(model, now, LoadUp(watts=500)))
    assert "far outside" in far.note
    assert "far outside" not in near.note
    assert far.steady.high_c - far.steady.low_c > 1.5 * (near.steady.high_c - near.steady.low_c)


def test_nothing_is_told_without_a_law() -> None:
    assert refusal(what_if(ThermalModel(), ThermalNow(50, 100), LoadUp(watts=10)))
    model, _ = learnt(1)
    assert "this fan speed" in refusal(what_if(model, ThermalNow(50, 100, 60.0), LoadUp(watts=10)))


def fans(slow_seconds: float) -> ThermalModel:
    chance = random.Random(9)
    model, plant, load = ThermalModel(), ThermalPlant(chance=chance, kelvin_per_watt=0.3), Load(chance)
    if slow_seconds:
        watch(model, plant, load, slow_seconds, 40.0)
    plant.kelvin_per_watt = 0.15
    watch(model, plant, load, 5400, 80.0)
    return model


def test_a_lost_fan_is_told_by_what_was_seen_at_less_air() -> None:
    model = fans(5400)
    answer = told(what_if(model, ThermalNow(45, 100, 80.0), FanLost(2)))
    assert answer.steady.value_c == pytest.approx(30 + 0.3 * 100, abs=1)
    # one of ten: still the same band, so that the next one below tells
    assert told(what_if(model, ThermalNow(45, 100, 80.0), FanLost(10))) == answer


def test_a_lost_fan_is_not_guessed() -> None:
    now = ThermalNow(45, 100, 80.0)
    assert "no slower" in refusal(what_if(fans(0), now, FanLost(2)))
    assert "no slower" in refusal(what_if(fans(200), now, FanLost(2)))
    model = fans(5400)
    assert "no slower" in refusal(what_if(model, ThermalNow(45, 100, 40.0), FanLost(2)))
    assert "only fan" in refusal(what_if(model, now, FanLost(1)))
    assert "fan speed" in refusal(what_if(model, ThermalNow(45, 100), FanLost(2)))


def test_changes_that_are_none() -> None:
    for wrong in (math.nan, math.inf):
        for make in (lambda x: LoadUp(watts=x), lambda x: LoadUp(percent=x), CapUp, AmbientUp):
            with pytest.raises(ValueError, match="not within"):
                make(wrong)
    with pytest.raises(ValueError, match="not within"):
        FanLost(0)
