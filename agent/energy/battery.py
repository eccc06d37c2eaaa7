# SPDX-License-Identifier: Apache-2.0
"""A machine on a battery, a UPS or harvested power: how long it lasts, and when to ask for a clean shutdown. Pure.

A shutdown is asked for once per discharge, after readings over some time have agreed. A reading that is lost decides
nothing: neither does it confirm, nor is a number made up in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

import msgspec

LEAST_READINGS = 3
"""So many in a row are low before a shutdown is asked for."""


class BatteryOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of charge are 0 to 1. Raises ValueError."""

    reserve: float = 0.2
    """At this charge a clean shutdown is asked for."""
    reserve_runtime_s: float = 180.0
    """Or when it lasts only so long."""
    confirm_s: float = 30.0
    """So long must readings agree."""
    recover_above: float = 0.3
    """At this charge a discharge is over, also without mains."""
    recover_s: float = 60.0
    """So long must mains or charge have been back."""
    lost_after_s: float = 60.0
    """Readings further apart do not belong together."""
    smoothing_s: float = 60.0
    """Of the power drawn from the battery."""
    harvested: bool = False
    """The battery is filled by sun or wind: what is in it beyond need may be used."""
    surplus_above: float = 0.9
    surplus_below: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.reserve < self.recover_above <= 1:
            raise ValueError("0 < reserve < recover_above <= 1 is to hold")
        if not self.reserve < self.surplus_below < self.surplus_above <= 1:
            raise ValueError("reserve < surplus_below < surplus_above <= 1 is to hold")
        for name in ("reserve_runtime_s", "confirm_s", "recover_s", "lost_after_s", "smoothing_s"):
            if not 0 < getattr(self, name) <= 86_400:
                raise ValueError(f"{name} is not above 0 and at most 86400")
        if self.confirm_s < 5:
            raise ValueError("confirm_s is at least 5: a flicker of the meter must not switch anything off")


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """What is None is not known."""

    on_mains: bool
    charge: float | None = None
    """0 to 1."""
    power_w: float | None = None
    """Drawn from the battery, or by its load."""
    capacity_wh: float | None = None
    """When full."""
    runtime_s: float | None = None
    """As the battery or UPS itself says."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.charge is not None and not 0 <= self.charge <= 1:
            raise ValueError(f"a charge of {self.charge} is not within 0 and 1")
        for value in (self.power_w, self.capacity_wh, self.runtime_s):
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{value} is no power, capacity or runtime of a battery")


@dataclass(frozen=True, slots=True)
class NoBatteryReading:
    """`why` is one sentence."""

    why: str


class BatteryPhase(Enum):
    UNAVAILABLE = "unavailable"
    MAINS = "mains"
    DISCHARGING = "discharging"
    RESERVE = "reserve"
    """A shutdown was asked for."""


class BatteryActionKind(Enum):
    ASK_SOFT_OFF = "ask-soft-off"
    RECOVERED = "recovered"
    """The discharge in which a shutdown was asked for is over."""
    USE_MORE = "use-more"
    USE_LESS = "use-less"


@dataclass(frozen=True, slots=True)
class BatteryAction:
    """`why` is one sentence for the event log."""

    kind: BatteryActionKind
    why: str


@dataclass(frozen=True, slots=True)
class BatteryState:
    """What is known after a reading, and what is remembered between readings."""

    phase: BatteryPhase = BatteryPhase.UNAVAILABLE
    why: str = "not read yet"
    charge: float | None = None
    runtime_s: float | None = None
    """Until it is empty, while it is discharged."""
    surplus: bool = False
    """There is more than enough, and it may be used."""
    asked: bool = False
    """For a shutdown, in this discharge."""
    drain_w: float | None = None
    read_at_s: float | None = None
    low_since_s: float | None = None
    low_readings: int = 0
    well_since_s: float | None = None

    @property
    def share_on_battery(self) -> float | None:
        """For Situation.battery_share: the charge, while the machine lives on it."""
        return self.charge if self.phase in (BatteryPhase.DISCHARGING, BatteryPhase.RESERVE) else None


def step(
    state: BatteryState, now_s: float, reading: BatteryReading | NoBatteryReading, options: BatteryOptions
) -> tuple[BatteryState, tuple[BatteryAction, ...]]:
    """The state after a reading, or after none could be had, at `now_s` (monotonic)."""
    since_s = None if state.read_at_s is None else now_s - state.read_at_s
    if isinstance(reading, NoBatteryReading):
        lost = replace(state, phase=BatteryPhase.UNAVAILABLE, why=reading.why, charge=None, runtime_s=None)
        if state.surplus and (since_s is None or not 0 <= since_s <= options.lost_after_s):
            return replace(lost, surplus=False), (BatteryAction(BatteryActionKind.USE_LESS, "it cannot be read"),)
        return lost, ()
    if since_s is None or not 0 <= since_s <= options.lost_after_s:
        state = replace(state, low_since_s=None, low_readings=0, well_since_s=None, drain_w=None)
        since_s = 0.0
    drain_w = _drain_w(state.drain_w, reading, since_s, options)
    runtime_s = _runtime_s(reading, drain_w)
    why_low = _why_low(reading, runtime_s, options)
    well = not why_low and _is_over(reading, options)
    after = replace(
        state,
        charge=reading.charge,
        runtime_s=runtime_s,
        drain_w=drain_w,
        read_at_s=now_s,
        low_since_s=(now_s if state.low_since_s is None else state.low_since_s) if why_low else None,
        low_readings=state.low_readings + 1 if why_low else 0,
        well_since_s=(now_s if state.well_since_s is None else state.well_since_s) if well else None,
    )
    after, actions = _reserve(after, now_s, why_low, options)
    after, more = _surplus(after, reading, options)
    phase, why = _phase(after, reading)
    return replace(after, phase=phase, why=why), (*actions, *more)


def _drain_w(before_w: float | None, reading: BatteryReading, since_s: float, options: BatteryOptions) -> float | None:
    """Smoothed over the discharge; what is drawn on mains says nothing about the battery."""
    if reading.on_mains:
        return None
    if reading.power_w is None or before_w is None:
        return before_w if reading.power_w is None else reading.power_w
    return before_w + (1 - math.exp(-since_s / options.smoothing_s)) * (reading.power_w - before_w)


def _runtime_s(reading: BatteryReading, drain_w: float | None) -> float | None:
    if reading.on_mains or reading.runtime_s is not None:
        return None if reading.on_mains else reading.runtime_s
    if reading.charge is None or reading.capacity_wh is None or drain_w is None or drain_w <= 0:
        return None
    runtime_s = reading.charge * reading.capacity_wh / drain_w * 3600
    return runtime_s if math.isfinite(runtime_s) else None


def _why_low(reading: BatteryReading, runtime_s: float | None, options: BatteryOptions) -> str:
    """Empty = it is not."""
    if reading.on_mains:
        return ""
    if reading.charge is not None and reading.charge <= options.reserve:
        return f"on battery with {reading.charge:.0%} left, and {options.reserve:.0%} is the reserve"
    if runtime_s is not None and runtime_s <= options.reserve_runtime_s:
        return f"the battery lasts {runtime_s:.0f} s more, and {options.reserve_runtime_s:.0f} s are the reserve"
    return ""


def _is_over(reading: BatteryReading, options: BatteryOptions) -> bool:
    return reading.on_mains or (reading.charge is not None and reading.charge >= options.recover_above)


def _reserve(
    state: BatteryState, now_s: float, why_low: str, options: BatteryOptions
) -> tuple[BatteryState, tuple[BatteryAction, ...]]:
    if state.asked:
        if state.well_since_s is None or now_s - state.well_since_s < options.recover_s:
            return state, ()
        why = "mains or charge is back"
        return replace(state, asked=False), (BatteryAction(BatteryActionKind.RECOVERED, why),)
    if state.low_since_s is None or now_s - state.low_since_s < options.confirm_s:
        return state, ()
    if state.low_readings < LEAST_READINGS:
        return state, ()
    return replace(state, asked=True), (BatteryAction(BatteryActionKind.ASK_SOFT_OFF, why_low),)


def _surplus(
    state: BatteryState, reading: BatteryReading, options: BatteryOptions
) -> tuple[BatteryState, tuple[BatteryAction, ...]]:
    if not options.harvested or reading.charge is None:
        enough = False
    else:
        enough = reading.charge > (options.surplus_below if state.surplus else options.surplus_above)
    if enough is state.surplus:
        return state, ()
    told = "its charge is not known" if reading.charge is None else f"{reading.charge:.0%} charged"
    kind = BatteryActionKind.USE_MORE if enough else BatteryActionKind.USE_LESS
    return replace(state, surplus=enough), (BatteryAction(kind, told),)


def _phase(state: BatteryState, reading: BatteryReading) -> tuple[BatteryPhase, str]:
    if reading.on_mains:
        return BatteryPhase.MAINS, "on mains" + ("; a shutdown was asked for just before" if state.asked else "")
    phase = BatteryPhase.RESERVE if state.asked else BatteryPhase.DISCHARGING
    if state.charge is None and state.runtime_s is None:
        return phase, "on battery; neither its charge nor how long it lasts is known"
    charge = "" if state.charge is None else f", {state.charge:.0%} charged"
    lasts = "" if state.runtime_s is None else f", for {state.runtime_s / 60:.0f} min more"
    return phase, f"on battery{charge}{lasts}"
