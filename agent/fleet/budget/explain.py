# SPDX-License-Identifier: Apache-2.0
"""Why a node has the cap that it has: which limit, which reading, which rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

TOLERANCE_W = 1.0


class Rule(Enum):
    """What decided a node's cap; the value is the sentence."""

    FREE = "there is room for all that it could draw"
    SHARED = "what is left is shared by priority, and it has all that it wants"
    CUT = "there is not enough for all; lower priorities and the largest are cut first"
    FLOOR = "there is not enough for all, and it is at its floor"
    BASE = "there is not enough for the floors; it keeps its base"
    EMERGENCY = "an emergency holds it down"
    SILENT = "it was not heard lately, so its lease ends and it falls back to its base"
    LOST = "it was not heard lately, and without its agent nothing may hold it, so it counts with its peak"
    OFF = "it said that it is switched off, and nobody wants it up"
    UNPROVEN = "its cap is not read back, so it counts with the most that it measured"
    TAKEOVER = "this coordinator leads since a moment; the lease of another one may still be in force"
    UNREADABLE = "too many nodes of the group are not heard, so nothing is released"
    POLICY = "it is much less efficient than it was"


@dataclass(frozen=True, slots=True)
class Why:
    """All of one node. Ages are as of the last cycle."""

    node: str
    rule: Rule
    cap_w: float
    counted_w: float
    group: str
    """Whose limit is nearest."""
    limit_w: float
    group_w: float
    """What is counted under that limit."""
    watts: float | None
    """The node's last reading; None = there is none."""
    age_ns: int | None
    told_w: float | None = None
    """What the node said then that it may draw."""
    refused: str = ""
    """Why its last report was not believed; empty if it was."""
    full_limit_w: float = 0.0
    """That limit in the file."""
    taken_by: tuple[str, ...] = ()
    """What leaves less of it than that."""

    def text(self) -> str:
        """For a person."""
        reading = "it was never heard"
        if self.watts is not None and self.age_ns is not None:
            reading = f"it drew {self.watts:.0f} W {self.age_ns / 1e9:.0f} s ago"
        if self.told_w is not None and abs(self.told_w - self.cap_w) > TOLERANCE_W:
            reading += f" and said that it may draw {self.told_w:.0f} W"
        if self.refused:
            reading += f", and what it says now is refused ({self.refused})"
        less = f" ({self.full_limit_w:.0f} W, less what {' and '.join(self.taken_by)} takes)" if self.taken_by else ""
        return (
            f"{self.node} may draw {self.cap_w:.0f} W: {self.rule.value}. "
            f"Nearest limit: {self.group}, {self.group_w:.0f} W of {self.limit_w:.0f} W counted{less}. "
            f"Reading: {reading}; it counts with {self.counted_w:.0f} W."
        )
