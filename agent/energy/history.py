# SPDX-License-Identifier: Apache-2.0
"""What was, as points that a forecast takes: the machine's own power by the hour, and signals day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.energy_ledger import HOUR_S
from agent.energy.signals.interface import SignalPoint

if TYPE_CHECKING:
    from agent.energy.energy_ledger import EnergyLedger
    from agent.energy.meters.interface import Quantity

MOST_OF_IT_S = 0.9 * HOUR_S
"""An hour of which less was measured says too little."""


def power_history(ledger: EnergyLedger, quantity: Quantity) -> tuple[SignalPoint, ...]:
    """Mean watts of every hour that was measured; the present one is not over."""
    hours = sorted(ledger.hours[quantity].items())
    return tuple(
        SignalPoint(start_s, HOUR_S, energy.wh * HOUR_S / energy.seconds)
        for start_s, energy in hours
        if energy.seconds >= MOST_OF_IT_S
    )
