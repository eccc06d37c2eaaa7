# SPDX-License-Identifier: Apache-2.0
"""What an output did: every time it was active, from when to when. For tests that must not trust the agent's word."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 64
"""Ended presses; older ones are only counted."""


@dataclass
class PressRecord:
    """Times are monotonic nanoseconds. Only plain public fields (agent.sim.snapshot)."""

    rises: int = 0
    """How often it became active, ever."""
    active_since_ns: int | None = None
    widths_ms: list[float] = field(default_factory=list)
    """Of the last presses that ended, oldest first."""

    def changed(self, active: bool, now_ns: int) -> None:
        """The level as it is now; the same level again is nothing."""
        if active and self.active_since_ns is None:
            self.rises += 1
            self.active_since_ns = now_ns
        elif not active and self.active_since_ns is not None:
            self.widths_ms.append((now_ns - self.active_since_ns) / 1e6)
            del self.widths_ms[:-KEPT]
            self.active_since_ns = None

    def document(self, now_ns: int) -> dict[str, object]:
        """`widths_ms` with the press that lasts, if there is one, at the end."""
        lasting = [] if self.active_since_ns is None else [(now_ns - self.active_since_ns) / 1e6]
        return {"rises": self.rises, "active": bool(lasting), "widths_ms": [*self.widths_ms, *lasting]}
