# SPDX-License-Identifier: Apache-2.0
"""What gets worse before it fails: share imbalance, drifting fan and temperature, more and more repeats. Pure."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.hardware.pmbus.status import CORRECTABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.psu.slot import Slot

Finding = tuple[int, EventKind, str]
"""Slot, kind, evidence."""

IMBALANCE = 0.10
IMBALANCE_S = 60.0
SHARING_LOAD = 0.15
"""Below this part of its rating a supply's current reading is mostly error."""
FAN_DRIFT = 0.25
TEMPERATURE_DRIFT_C = 10.0
BASELINE_SAMPLES = 600
"""What is usual at a load is known after so many samples there."""
SLOW, FAST = 1 / 86_400, 1 / 120
CORRECTABLE_PER_HOUR = 20
HOUR_S = 3600.0
LOAD_STEPS = 10


class Trend(enum.Enum):
    IMBALANCE = "imbalance"
    FAN = "fan"
    TEMPERATURE = "temperature"
    CORRECTABLE = "correctable"


@dataclass(slots=True)
class Usual:
    """Slow and fast mean of a quantity at one load."""

    slow: float
    fast: float
    samples: int = 1
    held: bool = False
    """While something drifts, the slow mean must not get used to it."""

    def add(self, value: float) -> None:
        self.samples += 1
        if not self.held:
            self.slow += (value - self.slow) * max(SLOW, 1 / self.samples)
        self.fast += (value - self.fast) * max(FAST, 1 / self.samples)

    @property
    def known(self) -> bool:
        return self.samples >= BASELINE_SAMPLES


@dataclass(slots=True)
class _History:
    fans: dict[int, Usual] = field(default_factory=dict)
    temperatures: dict[int, Usual] = field(default_factory=dict)
    imbalanced_since: float | None = None
    corrected: deque[tuple[float, int]] = field(default_factory=deque)
    repeats: int | None = None
    told: set[Trend] = field(default_factory=set)


class Trends:
    """Fed with every full reading of the set."""

    def __init__(self, slots: int) -> None:
        self._history = [_History() for _ in range(slots)]

    def forget(self, slot: int) -> None:
        """Another supply may come: its past is its own."""
        self._history[slot] = _History()

    def watch(
        self, now_s: float, slots: Sequence[Slot], ratings: Sequence[float], repeats: Sequence[int]
    ) -> Iterator[Finding]:
        """What became worse, with evidence, and what recovered, by slot. `repeats` counts repeated transactions."""
        shares = _shares(slots, ratings)
        for index, slot in enumerate(slots):
            if slot.readings is None or not slot.healthy:
                continue
            history = self._history[index]
            found = {
                Trend.IMBALANCE: _imbalance(now_s, history, shares, index),
                Trend.CORRECTABLE: _correctable(now_s, history, slot, repeats[index]),
                **_drifts(history, slot, ratings[index]),
            }
            yield from _told(index, history, found)


def _told(index: int, history: _History, found: dict[Trend, str]) -> Iterator[Finding]:
    now = {trend for trend, evidence in found.items() if evidence}
    for trend in sorted(now - history.told, key=lambda one: one.value):
        yield index, EventKind.PSU_FAILURE_PREDICTED, found[trend]
    if history.told and not now:
        yield index, EventKind.PSU_PREDICTED_RECOVERED, ""
    history.told = now


def _shares(slots: Sequence[Slot], ratings: Sequence[float]) -> dict[int, float]:
    """Load of each delivering supply as a part of its rating."""
    return {
        index: slot.readings.pout_w / ratings[index]
        for index, slot in enumerate(slots)
        if slot.healthy and slot.readings is not None and slot.readings.pout_w
    }


def _imbalance(now_s: float, history: _History, shares: dict[int, float], index: int) -> str:
    mean = sum(shares.values()) / len(shares) if shares else 0.0
    off = abs(shares[index] - mean) / mean if index in shares and mean else 0.0
    if len(shares) < 2 or mean < SHARING_LOAD or off <= IMBALANCE:
        history.imbalanced_since = None
        return ""
    if history.imbalanced_since is None:
        history.imbalanced_since = now_s
    if now_s - history.imbalanced_since < IMBALANCE_S:
        return ""
    return f"it carries {shares[index]:.0%} of its rating, the mean is {mean:.0%}, for {IMBALANCE_S:.0f} s"


def _drifts(history: _History, slot: Slot, rated_w: float) -> dict[Trend, str]:
    readings = slot.readings
    assert readings is not None
    found = {Trend.FAN: "", Trend.TEMPERATURE: ""}
    if readings.pout_w is None:
        return found
    step = int(LOAD_STEPS * readings.pout_w / rated_w)
    if readings.fan_rpm is not None:
        fan = _added(history.fans, step, readings.fan_rpm)
        fan.held = fan.known and abs(fan.fast - fan.slow) > FAN_DRIFT * fan.slow
        if fan.held:
            found[Trend.FAN] = f"fan at {fan.fast:.0f} rpm, usually {fan.slow:.0f} rpm at this load"
    if readings.temperature_c is not None:
        warm = _added(history.temperatures, step, readings.temperature_c)
        warm.held = warm.known and warm.fast - warm.slow > TEMPERATURE_DRIFT_C
        if warm.held:
            found[Trend.TEMPERATURE] = f"{warm.fast:.0f} C, usually {warm.slow:.0f} C at this load"
    return found


def _added(usual: dict[int, Usual], step: int, value: float) -> Usual:
    if step in usual:
        usual[step].add(value)
    else:
        usual[step] = Usual(value, value)
    return usual[step]


def _correctable(now_s: float, history: _History, slot: Slot, repeats: int) -> str:
    """Repeated transactions, and samples in which the supply itself told of an error that it got over."""
    assert slot.readings is not None
    new = repeats - (repeats if history.repeats is None else history.repeats)
    new += bool(slot.readings.status.faults & CORRECTABLE)
    history.repeats = repeats
    if new > 0:
        history.corrected.append((now_s, new))
    while history.corrected and now_s - history.corrected[0][0] > 2 * HOUR_S:
        history.corrected.popleft()
    last = sum(count for at, count in history.corrected if now_s - at <= HOUR_S)
    before = sum(count for at, count in history.corrected if now_s - at > HOUR_S)
    if last <= CORRECTABLE_PER_HOUR or last <= 2 * before:
        return ""
    return f"{last} corrected errors in the last hour, {before} in the hour before"
