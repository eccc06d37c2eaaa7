# SPDX-License-Identifier: Apache-2.0
"""Learns from readings how power heats one sensor: one law per band of fan speed, for fans change it. Pure.

A law is told only when it is believable. Where it is not, the reason is told.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import msgspec

from agent.energy.least_squares import RecursiveLeastSquares
from agent.energy.thermal_fit import Numbers, ThermalFit
from agent.energy.thermal_steps import ThermalStep, ThermalSteps

CENTRE_C, SCALE_C, SCALE_W = 50.0, 20.0, 100.0
"""The three unknowns are fitted in numbers of about the same size."""
LEAST_STEPS = 30
LEAST_CERTAIN = 3.0
"""What power does, and how fast it settles, must be so many times its own standard error."""
VERY_CERTAIN = 10.0
"""As above; then it may be forgotten."""
RECENT_STEPS = 30
CONSTANT = 0.1
"""Power that has not changed by this share of its whole range in the recent steps is constant."""
AIR_SHARE = 0.02
"""Of an error under constant power that is put down to the air, per step."""
SURE = 2.0
"""Standard errors that the largest power keeps off the trip."""
HOVER_PERCENT = 3.0
LEAST_C, MOST_C, MOST_W = -60.0, 250.0, 100_000.0
"""No sensor and no machine is beyond."""
MAX_JUMP_C = 40.0
"""Per step: more is a sensor that lies."""


class ThermalModelOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Raises ValueError."""

    step_s: float = 20.0
    forgetting: float = 0.99
    """Per step: with 20 s, what is half an hour old counts 0.4."""
    fan_bands_percent: tuple[float, ...] = (30.0, 50.0, 75.0)
    """Where one band of fan speed ends and the next begins."""

    def __post_init__(self) -> None:
        if not 5 <= self.step_s <= 120:
            raise ValueError(f"step_s = {self.step_s:g} is not within 5 and 120")
        if not 0.99 <= self.forgetting <= 0.999:
            raise ValueError(f"forgetting = {self.forgetting:g} is not within 0.99 and 0.999")
        bands = self.fan_bands_percent
        if list(bands) != sorted(set(bands)) or not all(0 < edge < 100 for edge in bands):
            raise ValueError(f"fan_bands_percent = {list(bands)} do not rise within 0 and 100")


@dataclass(frozen=True, slots=True)
class NoFit:
    """`why` is one sentence."""

    why: str


class _Band:
    """The law of one band, while it is learnt."""

    def __init__(self, options: ThermalModelOptions) -> None:
        self._step_s = options.step_s
        self._memory = options.forgetting
        self._squares = RecursiveLeastSquares((0.9 * SCALE_C, 0.0, 0.0), options.forgetting)
        self._steps = 0
        self._weight = self._variance = self._pair_weight = self._pairs = 0.0
        self._last_error: float | None = None
        self._seen_w = (math.inf, -math.inf)
        self._recent_w: deque[float] = deque(maxlen=RECENT_STEPS)

    def see(self, step: ThermalStep, *, follows: bool) -> None:
        """`follows`: the step before it was of this band too."""
        x = ((step.before_c - CENTRE_C) / SCALE_C, step.power_w / SCALE_W, 1.0)
        self._seen_w = (min(self._seen_w[0], step.power_w), max(self._seen_w[1], step.power_w))
        self._recent_w.append(step.power_w)
        if self._is_constant():
            error = self._squares.error(x, step.after_c - CENTRE_C)
            self._squares.unknowns[2] += AIR_SHARE * (error or 0.0)
        else:
            error = self._squares.see(x, step.after_c - CENTRE_C, forget=self._is_certain())
        if error is None:
            return
        self._steps += 1
        last, self._last_error = self._last_error if follows else None, error
        if self._steps <= 10:
            return  # the first errors are those of knowing nothing
        self._weight = self._memory * self._weight + 1
        self._variance = self._memory * self._variance + error**2
        if last is not None and self._steps > 11:
            self._pair_weight = self._memory * self._pair_weight + 1
            self._pairs = self._memory * self._pairs + error * last

    def _is_constant(self) -> bool:
        """A load that does not change teaches nothing about change: what seems to be some is noise of the sensor."""
        recent = self._recent_w
        least_w, most_w = self._seen_w
        return len(recent) == RECENT_STEPS and max(recent) - min(recent) < CONSTANT * (most_w - least_w)

    def _is_certain(self) -> bool:
        """Only what is well known may be forgotten: else little change of load would make us forget what power does."""
        if self._steps < LEAST_STEPS:
            return False
        variance = self._variance / self._weight
        first, second, _ = self._squares.unknowns
        rates = ((SCALE_C - first, self._squares.inverse[0][0]), (second, self._squares.inverse[1][1]))
        return all(rate > VERY_CERTAIN * math.sqrt(variance * inverse) for rate, inverse in rates)

    def fit(self) -> ThermalFit | NoFit:
        if self._steps < LEAST_STEPS:
            return NoFit(f"{self._steps} steps of {self._step_s:g} s were seen, and {LEAST_STEPS} are needed")
        if not 0 < self._squares.unknowns[0] < SCALE_C:
            a = self._squares.unknowns[0] / SCALE_C
            return NoFit(f"a = {a:.3g} is not within 0 and 1: the temperature does not settle")
        variance = self._variance / self._weight
        reading_variance = self._reading_variance(self._squares.unknowns[0] / SCALE_C)
        first, second, third = self._unbiased(reading_variance)
        a, b = first / SCALE_C, second / SCALE_W
        c = third + CENTRE_C - CENTRE_C * a
        if not 0 < a < 1:
            return NoFit(f"a = {a:.3g} is not within 0 and 1: the temperature does not settle")
        if not b > 0:
            return NoFit(f"b = {b:.3g} K/W: more power does not make it hotter")
        covariance = _physical(self._squares.inverse, variance)
        if b < LEAST_CERTAIN * math.sqrt(max(covariance[1][1], 0.0)):
            return NoFit("power has not changed enough to tell what it does")
        if 1 - a < LEAST_CERTAIN * math.sqrt(max(covariance[0][0], 0.0)):
            return NoFit("the temperature was not seen to settle, so where it would is not known")
        process_variance = max(variance - (1 + a**2) * reading_variance, 0.0)
        noises = math.sqrt(process_variance), math.sqrt(reading_variance)
        return ThermalFit(self._step_s, a, b, c, covariance, *noises, self._steps, self._seen_w)

    def _reading_variance(self, a: float) -> float:
        """An error of a reading is an error after this step, and `-a` times the same one after the next."""
        pairs = self._pairs / self._pair_weight if self._pair_weight else 0.0
        return max(-pairs, 0.0) / a

    def _unbiased(self, reading_variance: float) -> list[float]:
        """Noise in the temperature that a step begins with makes `a` too small; to first order, by so much."""
        squares = self._squares
        lost = reading_variance / SCALE_C**2 * squares.weight * squares.unknowns[0]
        return [one + row[0] * lost for one, row in zip(squares.unknowns, squares.inverse, strict=True)]


class ThermalModel:
    """One temperature sensor and the power that heats it."""

    def __init__(self, options: ThermalModelOptions | None = None) -> None:
        self.options = options or ThermalModelOptions()
        self.band: int | None = None
        """That of the last reading; None = no reading yet."""
        self._steps = ThermalSteps(self.options.step_s)
        self._bands: dict[int, _Band] = {}
        self._followed = False

    def add(self, now_s: float, temperature_c: float, power_w: float, fan_percent: float | None = None) -> None:
        """One reading; `now_s` is monotonic. Without a fan speed everything is one band. Nonsense is not seen."""
        if not LEAST_C <= temperature_c <= MOST_C or not 0 <= power_w <= MOST_W:
            return
        if fan_percent is not None and not 0 <= fan_percent <= 100:
            return
        band = self._settled(fan_percent)
        if band != self.band:
            self._steps.clear()
            self.band, self._followed = band, False
        for step in self._steps.add(now_s, temperature_c, power_w):
            if abs(step.after_c - step.before_c) > MAX_JUMP_C:
                self._followed = False
                continue
            self._bands.setdefault(band, _Band(self.options)).see(step, follows=self._followed)
            self._followed = True

    def _settled(self, fan_percent: float | None) -> int:
        """A fan that hovers about an edge stays in its band: at each change learning begins anew."""
        near = (
            set()
            if fan_percent is None
            else {self.band_of(fan_percent + off) for off in (-HOVER_PERCENT, HOVER_PERCENT)}
        )
        return self.band if self.band is not None and self.band in near else self.band_of(fan_percent)

    def band_of(self, fan_percent: float | None) -> int:
        """0 = the lowest; without a fan speed -1."""
        if fan_percent is None:
            return -1
        return sum(fan_percent >= edge for edge in self.options.fan_bands_percent)

    def fit(self, band: int | None = None) -> ThermalFit | NoFit:
        """Of a band; without one, of that of the last reading."""
        wanted = self.band if band is None else band
        if wanted is None or wanted not in self._bands:
            return NoFit("nothing was seen yet" if wanted is None else "nothing was seen yet at this fan speed")
        return self._bands[wanted].fit()

    def largest_power_w(self, trip_c: float, temperature_c: float, horizon_s: float = 600.0) -> float | None:
        """What keeps the trip away for `horizon_s` at the present fan speed; None = no law is believed yet."""
        fit = self.fit()
        return None if isinstance(fit, NoFit) else fit.largest_power_w(trip_c, temperature_c, horizon_s, SURE)


def _physical(inverse: list[list[float]], variance: float) -> tuple[Numbers, Numbers, Numbers]:
    """The covariance of (a, b, c) from that of the fitted unknowns: a, b and c are linear in them."""
    rows = ((1 / SCALE_C, 0.0, 0.0), (0.0, 1 / SCALE_W, 0.0), (-CENTRE_C / SCALE_C, 0.0, 1.0))

    def entry(one: Numbers, other: Numbers) -> float:
        return variance * sum(one[i] * inverse[i][j] * other[j] for i in range(3) for j in range(3))

    first, second, third = (tuple(entry(one, other) for other in rows) for one in rows)
    return (first[0], first[1], first[2]), (second[0], second[1], second[2]), (third[0], third[1], third[2])
