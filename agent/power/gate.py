# SPDX-License-Identifier: Apache-2.0
"""What other services tell the power manager: whether something may be switched on, and how much power is left."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.power.request import Action


class Policy(enum.Enum):
    """A safety policy; the value is its name in refusals, settings and metrics."""

    THERMAL = "thermal-check"
    HEALTH = "health-check"
    POWER_GOOD = "power-good-required"
    COOLING = "cooling-running"
    CAPACITY = "supply-capacity"
    MIN_OFF_TIME = "minimum-off-time"
    CONCURRENCY = "maximum-concurrent-operations"
    DEPENDENCIES = "dependencies"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: the policy, the reading that it goes by, and what would clear it, in words for a person."""

    policy: Policy
    reading: str
    cure: str
    clears_ns: int | None = None
    """The monotonic time at which it clears by itself, where that is known."""

    @property
    def text(self) -> str:
        return f"{self.policy.value}: {self.reading}; {self.cure}"


class PowerGate(Protocol):
    """Asked before something is switched on. Answers from what it knows at this instant, at once."""

    def refusal(self, domain: str, action: Action) -> Refusal | None:
        """`domain` as in `host/0` or `aux/fans`. None = this gate has nothing against it."""
        ...


class CapacitySource(Protocol):
    """What the supplies can still give."""

    def spare_w(self) -> float | None:
        """Ratings minus present load, in watts; None when it cannot be known."""
        ...


class EmergencyPath(Protocol):
    """How a service has hosts switched off for safety's sake: no gate, queue or dependency stands in the way."""

    def soft_off(self, domains: Collection[str], origin: str, why: str) -> str:
        """Ask these to shut down by themselves, dependents first; returns the id of the operation."""
        ...

    def emergency_off(self, domains: Collection[str], origin: str, why: str) -> str:
        """Force these off, all at once; returns the id of the operation. Idempotent while one runs."""
        ...
