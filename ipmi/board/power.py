# SPDX-License-Identifier: Apache-2.0
"""Measured power of the machine and its limit, for DCMI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PowerReading:
    """Power over one period that ends now."""

    now_w: float
    minimum_w: float
    maximum_w: float
    average_w: float
    period_ms: int


class PowerMeter(Protocol):
    def reading(self, period_s: int | None) -> PowerReading | None:
        """Over the last `period_s` seconds, or since the meter began (None). None while nothing can be measured."""
        ...


@dataclass(frozen=True, slots=True)
class PowerLimitSetting:
    """What Set Power Limit says (DCMI 1.5 table 6-18)."""

    watts: int
    logs: bool
    """Whether exceeding it makes an event."""
    correction_ms: int
    sampling_s: int


class PowerLimit(Protocol):
    """A limit for the machine's power."""

    @property
    def least_correction_ms(self) -> int:
        """How long the power must be above the limit until that is acted on."""
        ...

    def setting(self) -> PowerLimitSetting | None:
        """What was set last; None = nothing."""
        ...

    def active(self) -> bool: ...

    async def set(self, setting: PowerLimitSetting, origin: str) -> bool:
        """Keep a setting; an active limit changes at once. False when it cannot be stored."""
        ...

    async def activate(self, active: bool, origin: str) -> bool:
        """Put the setting in force or lift it; False when it cannot be stored."""
        ...
