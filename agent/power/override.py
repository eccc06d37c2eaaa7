# SPDX-License-Identifier: Apache-2.0
"""An emergency override: for a short time named safety policies refuse nothing. It expires by itself."""

from __future__ import annotations

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

    @property
    def text(self) -> str:
        return ", ".join(sorted(policy.value for policy in self.policies))
