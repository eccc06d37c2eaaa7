# SPDX-License-Identifier: Apache-2.0
"""When a cap is written, and when it is worth an event. Pure; times are CLOCK_MONOTONIC."""

from __future__ import annotations

from dataclasses import dataclass

from agent.energy.actuators.interface import Answer

NS_PER_S = 1_000_000_000
RETRY_S = 30.0
"""After a write that failed."""
TELL_EVERY_S = 60.0
"""So often at most, unless the cap falls: two policies that are close to each other are no news each time."""
TELL_SHARE = 0.05
"""Of its range: a smaller change under the same policy is not told."""
IN_FORCE = frozenset({Answer.DONE, Answer.CLAMPED})


@dataclass(frozen=True, slots=True)
class Written:
    """The last write."""

    cap_w: float
    answer: Answer
    at_ns: int


def due(written: Written | None, cap_w: float, now_ns: int, apply_s: float) -> bool:
    """A new cap at once; the same one again after `apply_s`, for whoever has changed it; a failed one soon."""
    if written is None:
        return True
    passed_s = (now_ns - written.at_ns) / NS_PER_S
    if written.answer not in IN_FORCE:
        return passed_s >= min(RETRY_S, apply_s)
    return cap_w != written.cap_w or passed_s >= apply_s


@dataclass(frozen=True, slots=True)
class Told:
    """The last event of a cap."""

    policy: str
    cap_w: float
    at_ns: int


def worth_telling(told: Told | None, policy: str, cap_w: float, width_w: float, now_ns: int) -> bool:
    """`width_w` is the width of the range."""
    if told is None:
        return True
    moved = abs(cap_w - told.cap_w) > TELL_SHARE * width_w
    if not moved and policy == told.policy:
        return False
    return (moved and cap_w < told.cap_w) or (now_ns - told.at_ns) / NS_PER_S >= TELL_EVERY_S
