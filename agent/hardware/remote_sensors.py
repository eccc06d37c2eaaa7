# SPDX-License-Identifier: Apache-2.0
"""Sensors that another controller has: the interface that adapters implement and thermal zones read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class RemoteReading:
    """What a sensor read at `mono_ns` (CLOCK_MONOTONIC). `unit` is the controller's own word, such as `°C`."""

    value: float
    unit: str
    mono_ns: int


@dataclass(frozen=True, slots=True)
class Unavailable:
    """There is no reading now; `reason` is one sentence for a person (safety rule 14)."""

    reason: str


@runtime_checkable
class RemoteSensors(Protocol):
    """Used on the loop's thread; every call ends within the adapter's deadline."""

    async def sensor(self, name: str) -> RemoteReading | Unavailable:
        """Read one sensor by the name that the controller gives it. Raises nothing but CancelledError."""
        ...
