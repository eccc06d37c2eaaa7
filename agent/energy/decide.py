# SPDX-License-Identifier: Apache-2.0
"""Many proposals, one cap: the least of them, within its range, not in jumps and not for trifles. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.energy.policies.situation import CapRange

UNBOUND = Proposal("none", None, "no policy asks for less")


@dataclass(frozen=True, slots=True)
class Smoothing:
    """How a cap may move. A limit of the hardware (`Proposal.urgent`) lowers it at once."""

    raise_w_per_s: float = float("inf")
    lower_w_per_s: float = float("inf")
    dead_band_w: float = 0.0
    """Smaller changes are not made, unless they reach an end of the range."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`cap_w` is to be in force; `binding` is the proposal that it follows."""

    cap_w: float
    binding: Proposal
    proposals: tuple[Proposal, ...]


def decide(
    proposals: Sequence[Proposal],
    cap_range: CapRange,
    smoothing: Smoothing,
    last_w: float | None,
    elapsed_s: float,
) -> Decision:
    """`last_w` is in force since `elapsed_s`; None = nothing is. The answer is always within `cap_range`."""
    wishes = [(proposal.cap_w, proposal) for proposal in proposals if proposal.cap_w is not None]
    wanted_w, binding = min(wishes, key=lambda wish: wish[0], default=(cap_range.max_w, UNBOUND))
    if wanted_w >= cap_range.max_w:
        binding = binding if binding.urgent else UNBOUND
    target_w = cap_range.clamp(wanted_w)
    if last_w is not None:
        target_w = _smooth(target_w, cap_range.clamp(last_w), cap_range, smoothing, elapsed_s)
        urgent_w = min((cap_range.clamp(cap) for cap, one in wishes if one.urgent), default=cap_range.max_w)
        target_w = min(target_w, urgent_w)
    return Decision(target_w, binding, tuple(proposals))


def _smooth(target_w: float, last_w: float, cap_range: CapRange, smoothing: Smoothing, elapsed_s: float) -> float:
    at_an_end = target_w in (cap_range.min_w, cap_range.max_w)
    if abs(target_w - last_w) < smoothing.dead_band_w and not at_an_end:
        return last_w
    passed_s = max(elapsed_s, 0.0)
    highest_w = last_w + _step(smoothing.raise_w_per_s, passed_s)
    lowest_w = last_w - _step(smoothing.lower_w_per_s, passed_s)
    return min(max(target_w, lowest_w), highest_w)


def _step(w_per_s: float, passed_s: float) -> float:
    return w_per_s if w_per_s == float("inf") else w_per_s * passed_s
