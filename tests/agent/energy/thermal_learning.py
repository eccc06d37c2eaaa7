# SPDX-License-Identifier: Apache-2.0
"""A model that has watched a plant, and a plant that goes on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from agent.energy.thermal_fit import ThermalFit
from agent.energy.thermal_model import NoFit, ThermalModel, ThermalModelOptions
from tests.agent.energy.thermal_plant import Load, ThermalPlant

if TYPE_CHECKING:
    from collections.abc import Callable


def watch(
    model: ThermalModel, plant: ThermalPlant, load: Load, seconds: float, fan_percent: float | None = None
) -> None:
    """Readings every 1.5 to 2.5 seconds."""
    end_s = plant.now_s + seconds
    while plant.now_s < end_s:
        passed_s = plant.chance.uniform(1.5, 2.5)
        power_w = load.next(passed_s)
        plant.pass_by(passed_s, power_w)
        model.add(plant.now_s, plant.read(), power_w, fan_percent)


def learnt(
    seed: int,
    change: Callable[[ThermalPlant], None] = lambda plant: None,
    *,
    most_w: float = 250.0,
    seconds: float = 5400.0,
    options: ThermalModelOptions | None = None,
) -> tuple[ThermalModel, ThermalPlant]:
    chance = random.Random(seed)
    model, plant = ThermalModel(options), ThermalPlant(chance=chance)
    change(plant)
    watch(model, plant, Load(chance, most_w=most_w), seconds)
    return model, plant


def fit_of(model: ThermalModel) -> ThermalFit:
    fit = model.fit()
    assert isinstance(fit, ThermalFit), fit
    return fit


def why_not(model: ThermalModel) -> str:
    fit = model.fit()
    assert isinstance(fit, NoFit), fit
    return fit.why


def mean_reading_c(plant: ThermalPlant, power_w: float, seconds: int = 20) -> float:
    """What a step of the model would say."""
    total = 0.0
    for _ in range(seconds):
        plant.pass_by(1, power_w)
        total += plant.read()
    return total / seconds
