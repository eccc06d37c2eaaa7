# SPDX-License-Identifier: Apache-2.0
"""Whether a fan turns that should, as a pure state machine over its tachometer."""

from __future__ import annotations

from dataclasses import dataclass, replace

SETTLE_NS = 3_000_000_000
"""A fan that says otherwise for so long is believed: it takes so long to spin up, and a tachometer glitches."""


@dataclass(frozen=True, slots=True)
class Turning:
    """`stalled` is what is believed; None = not known yet, or the fan need not turn."""

    stalled: bool | None = None
    differs_since_ns: int | None = None

    @property
    def recovered_ns(self) -> int | None:
        """When a stalled fan that turns again is believed, if it goes on; None = it does not turn."""
        return self.differs_since_ns + SETTLE_NS if self.stalled and self.differs_since_ns is not None else None

    def take(self, now_ns: int, rpm: int | None, min_rpm: int, expected: bool) -> Turning:
        """`expected`: the fan has power and a duty, so that it should turn."""
        if not expected or rpm is None:
            return Turning()
        slow = rpm < min_rpm
        if slow is self.stalled:
            return replace(self, differs_since_ns=None)
        if self.stalled is None and not slow:
            return Turning(stalled=False)
        since_ns = now_ns if self.differs_since_ns is None else self.differs_since_ns
        if now_ns - since_ns < SETTLE_NS:
            return replace(self, differs_since_ns=since_ns)
        return Turning(stalled=slow)
