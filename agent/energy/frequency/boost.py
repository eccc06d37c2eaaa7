# SPDX-License-Identifier: Apache-2.0
"""Boost for a while: granted only out of power that is there, ended by time or by need. Pure."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Boost:
    """Granted until then; `extra_w` is what it may draw on top."""

    until_s: float
    extra_w: float


@dataclass(frozen=True, slots=True)
class BoostRefused:
    reason: str


def ask(duration_s: float, extra_w: float, spare_w: float | None, now_s: float) -> Boost | BoostRefused:
    """`spare_w` is what the cap and the supplies leave; None = nobody knows. `now_s` is monotonic."""
    if not 0 < duration_s <= LONGEST_S:
        return BoostRefused(f"a boost lasts up to {LONGEST_S:g} s (not {duration_s:g})")
    if not 0 <= extra_w < float("inf"):
        return BoostRefused(f"a boost draws more, not {extra_w:g} W")
    if spare_w is None:
        return BoostRefused("how much power there is to spare is not known")
    if extra_w > spare_w:
        return BoostRefused(f"it needs {extra_w:g} W and {max(spare_w, 0.0):g} W are to spare")
    return Boost(now_s + duration_s, extra_w)


def still(boost: Boost | None, spare_w: float | None, now_s: float) -> Boost | None:
    """The boost as long as it may go on. `spare_w` is what is left beside it; below zero, or unknown, ends it."""
    if boost is None or now_s >= boost.until_s or spare_w is None or spare_w < 0:
        return None
    return boost
