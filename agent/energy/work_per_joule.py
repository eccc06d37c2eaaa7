# SPDX-License-Identifier: Apache-2.0
"""How much a machine gets done for each joule, from a counter of work and readings of its power. Pure."""

from __future__ import annotations

from dataclasses import dataclass

NS_PER_S = 1_000_000_000
LONGEST_LOOK_NS = 10 * NS_PER_S
"""Between two readings that are further apart the power is not known: the span is given up."""
LEAST_NS = 10 * NS_PER_S
"""A shorter span says little."""
OLD_NS = 180 * NS_PER_S
"""After so long without a count the figure is none any more."""


@dataclass(slots=True)
class WorkPerJoule:
    """Of the span between the last two counts. Times are monotonic, in ns."""

    _energy_j: float = 0.0
    _watts_ns: int | None = None
    """When power was last read."""
    _span_ns: int | None = None
    """Since when energy is complete."""
    _work: float | None = None
    _efficiency: float | None = None
    _counted_ns: int = 0

    def powered(self, watts: float | None, now_ns: int) -> None:
        """A reading; None = there is none."""
        before_ns, self._watts_ns = self._watts_ns, now_ns
        if watts is None or before_ns is None or not 0 <= now_ns - before_ns <= LONGEST_LOOK_NS:
            self._span_ns = None
        elif self._span_ns is not None:
            self._energy_j += watts * (now_ns - before_ns) / NS_PER_S

    def counted(self, work: float | None, now_ns: int) -> None:
        """What was done since the start; None = not known."""
        known = work is not None and self._work is not None and self._span_ns is not None
        if known and now_ns - (self._span_ns or 0) >= LEAST_NS and self._energy_j > 0:
            self._efficiency = max((work or 0.0) - (self._work or 0.0), 0.0) / self._energy_j
            self._counted_ns = now_ns
        self._work, self._energy_j, self._span_ns = work, 0.0, now_ns

    def at(self, now_ns: int) -> float | None:
        """Work for each joule, in the counter's unit."""
        return self._efficiency if now_ns - self._counted_ns < OLD_NS else None
