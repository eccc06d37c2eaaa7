# SPDX-License-Identifier: Apache-2.0
"""What the power-good line shows of a host: the truth, a blinking LED, or one of the faults of such lines."""

from __future__ import annotations

from dataclasses import dataclass

MS = 1_000_000
BLINK_HALF_MS = 500
"""A sleeping host's power LED: one second per blink."""


@dataclass
class PowerGoodSense:
    """Mutable; times are monotonic nanoseconds."""

    led: bool = False
    """The line watches the power LED, which blinks while the host sleeps; any other sense is off then."""
    missing: bool = False
    """It never comes: a cut wire, a regulator that does not start."""
    inverted: bool = False
    """It is wired the wrong way round."""
    dropped_until_ns: int = 0
    """It is off until then, whatever the host does."""
    flicker_period_ms: int = 0
    flickers_since_ns: int = 0
    flickers_until_ns: int = 0
    blinks_since_ns: int = 0

    def drop(self, width_ms: int, now_ns: int) -> None:
        self.dropped_until_ns = now_ns + width_ms * MS

    def flicker(self, period_ms: int, width_ms: int, now_ns: int) -> None:
        """Half of each period the line shows the opposite of the truth."""
        self.flicker_period_ms = period_ms
        self.flickers_since_ns, self.flickers_until_ns = now_ns, now_ns + width_ms * MS

    def repair(self) -> None:
        self.missing = self.inverted = False
        self.dropped_until_ns = self.flickers_until_ns = 0

    def level(self, powered: bool, sleeping: bool, now_ns: int) -> bool:
        shown = powered
        if sleeping and self.led:
            shown = (now_ns - self.blinks_since_ns) // (BLINK_HALF_MS * MS) % 2 == 0
        if now_ns < self.flickers_until_ns:
            shown ^= (now_ns - self.flickers_since_ns) // self._half_ns % 2 == 0
        if self.missing or now_ns < self.dropped_until_ns:
            shown = False
        return shown != self.inverted

    def deadline_ns(self, sleeping: bool, now_ns: int) -> int | None:
        """When the level may change without anything else happening, or None."""
        dues = [self.dropped_until_ns] if now_ns < self.dropped_until_ns else []
        if now_ns < self.flickers_until_ns:
            dues.append(min(self.flickers_until_ns, _next_step(now_ns, self.flickers_since_ns, self._half_ns)))
        if sleeping and self.led:
            dues.append(_next_step(now_ns, self.blinks_since_ns, BLINK_HALF_MS * MS))
        return min(dues, default=None)

    @property
    def _half_ns(self) -> int:
        return max(1, self.flicker_period_ms * MS // 2)


def _next_step(now_ns: int, since_ns: int, step_ns: int) -> int:
    return since_ns + ((now_ns - since_ns) // step_ns + 1) * step_ns
