# SPDX-License-Identifier: Apache-2.0
"""What a node would draw if nothing held it, as far as its report tells. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.fleet.budget.messages import Report

PRESSED = 0.97
"""A node that draws this part of its lease is held back by it."""
GROWTH = 1.05
GROWTH_W = 5.0
"""What an unpressed node may need more until the next cycle."""


def is_pressed(report: Report) -> bool:
    """Its cap holds it back."""
    if report.demand_w is not None:
        return report.demand_w > report.lease_w
    return report.watts >= PRESSED * report.lease_w


def wanted_w(report: Report, peak_w: float) -> float:
    """A pressed node that cannot tell may want everything."""
    if report.demand_w is not None:
        return min(report.demand_w * GROWTH + GROWTH_W, peak_w)
    if is_pressed(report):
        return peak_w
    return min(report.watts * GROWTH + GROWTH_W, peak_w)
