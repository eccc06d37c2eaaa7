# SPDX-License-Identifier: Apache-2.0
"""What the temperature would be: with more load, without a fan, in warmer air, under a higher cap. Pure.

Each answer has an interval that a reading falls into nine times out of ten. Without a law that is believed there is no
answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from agent.energy.thermal_fit import STEADY_S
from agent.energy.thermal_model import NoFit

if TYPE_CHECKING:
    from agent.energy.thermal_fit import ThermalFit
    from agent.energy.thermal_model import ThermalModel

SOON_S = 600.0
CONFIDENCE = 0.9
FAR_OUTSIDE = 1.25
"""A power so many times the largest that was seen is worth a word."""


@dataclass(frozen=True, slots=True)
class LoadUp:
    """Raises ValueError; less load is a negative number."""

    watts: float = 0.0
    percent: float = 0.0
    """Of the present power; both are added."""

    def __post_init__(self) -> None:
        _within(self.watts, -10_000, 10_000, "watts")
        _within(self.percent, -100, 1000, "percent")


@dataclass(frozen=True, slots=True)
class CapUp:
    """The cap is raised to so much, and the load takes all of it. Raises ValueError."""

    cap_w: float

    def __post_init__(self) -> None:
        _within(self.cap_w, 0, 100_000, "cap_w")


@dataclass(frozen=True, slots=True)
class AmbientUp:
    """Raises ValueError; colder air is a negative number."""

    kelvin: float

    def __post_init__(self) -> None:
        _within(self.kelvin, -100, 100, "kelvin")


@dataclass(frozen=True, slots=True)
class FanLost:
    """One of `fans` equal fans stops. Raises ValueError."""

    fans: int

    def __post_init__(self) -> None:
        _within(self.fans, 1, 1000, "fans")


Change = LoadUp | CapUp | AmbientUp | FanLost


@dataclass(frozen=True, slots=True)
class ThermalNow:
    """How it is at present."""

    temperature_c: float
    power_w: float
    fan_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    value_c: float
    low_c: float
    high_c: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """`note` says what the numbers rest on, for a person."""

    in_10_min: Interval
    steady: Interval
    power_w: float
    note: str


@dataclass(frozen=True, slots=True)
class NoPrediction:
    """`why` is one sentence."""

    why: str


def what_if(
    model: ThermalModel, now: ThermalNow, change: Change, confidence: float = CONFIDENCE
) -> Prediction | NoPrediction:
    """In ten minutes, and when nothing changes any more. `confidence`: the share of readings within the interval."""
    fit = _slower(model, now, change.fans) if isinstance(change, FanLost) else model.fit(model.band_of(now.fan_percent))
    if isinstance(fit, NoFit):
        return NoPrediction(fit.why)
    power_w = now.power_w
    if isinstance(change, LoadUp):
        power_w = max(now.power_w * (1 + change.percent / 100) + change.watts, 0.0)
    elif isinstance(change, CapUp):
        power_w = max(change.cap_w, now.power_w)
    up_c = change.kelvin if isinstance(change, AmbientUp) else 0.0
    soon = _interval(fit, now.temperature_c, power_w, SOON_S, up_c, confidence)
    steady = _interval(fit, now.temperature_c, power_w, STEADY_S, up_c, confidence)
    return Prediction(soon, steady, power_w, _note(fit, power_w))


def _interval(
    fit: ThermalFit, start_c: float, power_w: float, seconds: float, up_c: float, confidence: float
) -> Interval:
    """Warmer air raises the steady temperature by as much, and the way there runs as ever."""
    value_c = fit.after_c(start_c - up_c, power_w, seconds) + up_c
    half_c = NormalDist().inv_cdf((1 + confidence) / 2) * fit.error_c(start_c - up_c, power_w, seconds)
    return Interval(value_c, value_c - half_c, value_c + half_c)


def _slower(model: ThermalModel, now: ThermalNow, fans: int) -> ThermalFit | NoFit:
    """The law of less air: of the band that the share of the other fans falls into, or the next below that is known."""
    if now.fan_percent is None:
        return NoFit("the fan speed is not known, so neither is what less of it would do")
    if fans == 1:
        return NoFit("without its only fan nothing was measured")
    band = model.band_of(now.fan_percent)
    left = min(model.band_of(now.fan_percent * (fans - 1) / fans), band - 1)
    for slower in range(left, -1, -1):
        fit = model.fit(slower)
        if not isinstance(fit, NoFit):
            return fit
    return NoFit("no slower fan speed was seen for long enough to know what it does")


def _note(fit: ThermalFit, power_w: float) -> str:
    least_w, most_w = fit.seen_w
    told = f"fans as they are; learnt from {fit.steps} steps of {fit.step_s:g} s at {least_w:.0f} to {most_w:.0f} W"
    if power_w > FAR_OUTSIDE * most_w:
        return f"{told}; {power_w:.0f} W is far outside of that"
    return told


def _within(value: float, least: float, most: float, name: str) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} = {value:g} is not within {least:g} and {most:g}")
