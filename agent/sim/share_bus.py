# SPDX-License-Identifier: Apache-2.0
"""The load-share bus of a CRPS set: which supplies deliver, and how much each.

The supplies decide by themselves; the controller only gives roles. Thresholds: power-control facts on CRPS cold
redundancy (share bus 8.0 V = full load of the delivering supplies).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.sim.supply import CrpsSupply

FULL_LOAD_V = 8.0
STANDBY_ON_V = {2: 3.2, 3: 5.0, 4: 6.7}
STANDBY_OFF_V = {2: 1.44, 3: 3.01, 4: 4.52}


def share(supplies: Sequence[CrpsSupply], load_w: float, main_on: bool) -> None:
    """Settle the set: who is awake, and the output power of each."""
    healthy = [supply for supply in supplies if supply.healthy]
    for supply in supplies:
        supply.main_on = main_on and supply.healthy
        supply.output_w = 0.0
    if not any(supply.role not in STANDBY_ON_V for supply in healthy):
        for supply in healthy:  # nobody holds CR_BUS high: all wake, whatever their role
            supply.awake = True
    else:
        _wake_and_sleep(healthy, load_w if main_on else 0.0)
    delivering = [supply for supply in healthy if supply.awake and main_on]
    sharing = [supply for supply in delivering if not supply.share_cut] or delivering
    rated_w = sum(supply.rated_w for supply in sharing)
    for supply in sharing:
        supply.output_w = load_w * supply.rated_w / rated_w


def _wake_and_sleep(healthy: Sequence[CrpsSupply], load_w: float) -> None:
    for supply in healthy:
        if supply.role not in STANDBY_ON_V or supply.cr_bus_cut:
            supply.awake = True
    for supply in sorted(healthy, key=lambda one: one.role):
        if supply.role in STANDBY_ON_V and not supply.awake:
            supply.awake = _bus_v(healthy, load_w) >= STANDBY_ON_V[supply.role]
    for supply in sorted(healthy, key=lambda one: -one.role):
        if supply.role in STANDBY_ON_V and supply.awake and not supply.cr_bus_cut:
            supply.awake = _bus_v(healthy, load_w) > STANDBY_OFF_V[supply.role]


def _bus_v(healthy: Sequence[CrpsSupply], load_w: float) -> float:
    return FULL_LOAD_V * load_w / sum(supply.rated_w for supply in healthy if supply.awake)
