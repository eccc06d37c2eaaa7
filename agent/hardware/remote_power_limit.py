# SPDX-License-Identifier: Apache-2.0
"""The power limit that another controller keeps (DCMI 1.5 section 6.6): the interface that adapters implement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class RemoteLimit:
    """A limit and how it is kept. `action` is what the controller does when it cannot keep it (0 = nothing)."""

    active: bool
    watts: int
    action: int
    correction_ms: int
    sampling_s: int


class LimitFault(Enum):
    """Why a controller told or took no limit."""

    ABSENT = "absent"
    """It has no power limit at all."""
    FORBIDDEN = "forbidden"
    """Our user there may not."""
    REFUSED = "refused"
    """It said no to these values, or there was no answer."""


@dataclass(frozen=True, slots=True)
class NoLimit:
    """`reason` is one sentence for a person, with the adapter."""

    fault: LimitFault
    reason: str


@runtime_checkable
class RemotePowerLimit(Protocol):
    """Used on the loop's thread; every call ends within the adapter's deadline, and raises only CancelledError."""

    async def power_limit(self) -> RemoteLimit | NoLimit:
        """What is set there now."""
        ...

    async def limit_power(self, limit: RemoteLimit) -> RemoteLimit | NoLimit:
        """Set a limit, switch it on or off, and read it back."""
        ...
