# SPDX-License-Identifier: Apache-2.0
"""Cold redundancy of power supplies."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class RankAlgorithm(enum.IntEnum):
    """Who decides the rank order (OEM cold redundancy selector 03h)."""

    BMC_SPECIFIC = 0
    USER_SPECIFIC = 1


MIN_ROTATION_PERIOD_S = 86_400
MAX_ROTATION_PERIOD_S = 16_070_400


@dataclass(frozen=True, slots=True)
class RedundancySettings:
    """The configured cold-redundancy behaviour. `ranks[i]` is the rank of slot i+1, 0 = never standby."""

    enabled: bool
    rotation: bool
    algorithm: RankAlgorithm
    ranks: tuple[int, ...]
    period_s: int


class Redundancy(Protocol):
    """Cold redundancy of the power supplies."""

    def supply_count(self) -> int:
        """Number of supply slots; 0 = this board has none."""
        ...

    def settings(self) -> RedundancySettings | None:
        """What is configured; None when the service cannot be reached (answered with CEh)."""
        ...

    def effective_ranks(self) -> tuple[int, ...]:
        """Rank in force per slot: 0 for absent, failed or never-standby slots, all 0 when off."""
        ...

    def in_progress(self) -> bool:
        """True while roles are being changed on the bus."""
        ...

    async def apply(self, settings: RedundancySettings, origin: str) -> bool:
        """Store and put in force complete, already validated settings; False when they could not be stored."""
        ...
