# SPDX-License-Identifier: Apache-2.0
"""A rail that a maintained output switches: a chassis main relay, a fan rail. Its power-good follows after a delay."""

from __future__ import annotations

import enum
from dataclasses import dataclass

MS = 1_000_000
RISE_MS = 60


class RailFault(enum.Enum):
    """By its word for `pgood sim rail NAME ...`."""

    NORMAL = "normal"
    NEVER = "never"
    """It does not come up, or fails while it is up."""
    STUCK = "stuck"
    """The relay's contact stays as it is, whatever the output does."""


@dataclass(frozen=True, slots=True)
class RailWiring:
    """`output` and `power_good` are lines of the profile; `feeds` the hosts that have no standby power without it."""

    name: str
    output: str
    power_good: str
    feeds: tuple[str, ...] = ()


@dataclass
class Rail:
    """Mutable; times are monotonic nanoseconds. Only plain public fields (agent.sim.snapshot)."""

    on: bool = False
    """The contact is closed and the rail is fed."""
    changed_ns: int = 0
    driven: bool = False
    fault: RailFault = RailFault.NORMAL
    dropped_until_ns: int = 0

    def drive(self, active: bool, now_ns: int) -> None:
        """The board's output changed."""
        self.driven = active
        self._follow(now_ns)

    def break_down(self, fault: RailFault, now_ns: int) -> None:
        self.fault = fault
        self._follow(now_ns)

    def drop(self, width_ms: int, now_ns: int) -> None:
        """It is off for a while and comes back by itself."""
        self.dropped_until_ns = now_ns + width_ms * MS

    def live(self, now_ns: int) -> bool:
        """Whether the rail feeds anything at this instant."""
        return self.on and now_ns >= self.dropped_until_ns

    def power_good(self, now_ns: int) -> bool:
        return self.live(now_ns) and now_ns >= max(self.changed_ns, self.dropped_until_ns) + RISE_MS * MS

    def deadline_ns(self, now_ns: int) -> int | None:
        """When power-good or the feeding may change by itself, or None."""
        dues = (self.dropped_until_ns, max(self.changed_ns, self.dropped_until_ns) + RISE_MS * MS)
        return min((due for due in dues if due > now_ns), default=None)

    def _follow(self, now_ns: int) -> None:
        if self.fault is RailFault.STUCK:
            return
        on = self.driven and self.fault is RailFault.NORMAL
        if on != self.on:
            self.on, self.changed_ns = on, now_ns
