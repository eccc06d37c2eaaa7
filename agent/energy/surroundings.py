# SPDX-License-Identifier: Apache-2.0
"""What a board lends to its energy controller."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from agent.energy.battery import BatteryState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.energy.meters.meter_set import Measured
    from agent.energy.policies.situation import HeatView, LeaseView

NO_HEAT: Mapping[str, HeatView] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the board lends. Called on the loop's thread."""

    now_s: Callable[[], float]
    """Unix time."""
    now_ns: Callable[[], int]
    """CLOCK_MONOTONIC."""
    emit: Callable[..., object]
    changed: Callable[[], None]
    """The view says something else."""
    may_act: Callable[[], str]
    """Empty = yes; else one sentence with the cure."""
    spare_w: Callable[[], float | None]
    """What the supplies could give on top of their load."""
    heat: Callable[[Measured], Mapping[str, HeatView]] = lambda measured: NO_HEAT
    """By the name of its policy, what a zone allows; given what the machine draws."""
    battery: Callable[[], BatteryState] = BatteryState
    carbon_today_g: Callable[[], float] = lambda: 0.0
    lease: Callable[[], LeaseView | None] = lambda: None
    """What a coordinator lets the machine draw now."""
