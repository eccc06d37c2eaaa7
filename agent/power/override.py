# SPDX-License-Identifier: Apache-2.0
"""An emergency override: for a short time named safety policies refuse nothing. It expires by itself."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agent.power.gate import Policy

OVERRIDABLE = frozenset(
    {Policy.THERMAL, Policy.HEALTH, Policy.POWER_GOOD, Policy.COOLING, Policy.CAPACITY, Policy.MIN_OFF_TIME}
)
"""Never the dependencies and the limit of concurrent operations: those protect what runs."""


@dataclass(frozen=True, slots=True)
class Override:
    """Until `until_ns` on the monotonic clock."""

    policies: frozenset[Policy]
    until_ns: int
    origin: str
    reason: str

    def document(self) -> dict[str, object]:
        """As faces show it."""
        left_s = max(0.0, (self.until_ns - time.monotonic_ns()) / 1e9)
        names = sorted(policy.value for policy in self.policies)
        return {"policies": names, "by": self.origin, "why": self.reason, "left_s": round(left_s, 1)}

    @property
    def text(self) -> str:
        return ", ".join(sorted(policy.value for policy in self.policies))
