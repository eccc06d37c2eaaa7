# SPDX-License-Identifier: Apache-2.0
"""Rank order and roles of the supplies: pure. Slot i of every tuple is slot i of the profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipmi.board import RankAlgorithm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipmi.board import RedundancySettings

ALWAYS_ACTIVE = 0x00
COLD_ACTIVE = 0x01
HIGHEST_ROLE = 0x04
"""05h has another meaning on some supplies: never written (power-control facts, section 3.1)."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """`ranks[i]`: rank in force, 0 = absent, failed or never standby. `roles[i]`: byte for D0h, None = not written."""

    ranks: tuple[int, ...]
    roles: tuple[int | None, ...]


def rank(
    settings: RedundancySettings, healthy: Sequence[bool], steerable: Sequence[bool], order: Sequence[int]
) -> Ranking:
    """The ranks in force, as if the load needed no more than the first supply.

    `steerable[i]`: the role register of slot i may be written. `order`: all slots, in the board's own order.
    """
    slots = len(healthy)
    if not settings.enabled:
        return Ranking((0,) * slots, tuple(ALWAYS_ACTIVE if can else None for can in steerable))
    candidates = [i for i in order if healthy[i] and steerable[i]]
    ranks = _user_ranks(settings, healthy, candidates)
    if ranks is None:
        ranks = [0] * slots
        for place, slot in enumerate(_order(settings, candidates), 1):
            ranks[slot] = place
    roles = tuple((_role(ranks[i]) if healthy[i] else ALWAYS_ACTIVE) if steerable[i] else None for i in range(slots))
    return Ranking(tuple(ranks), roles)


def with_forced(roles: Sequence[int | None], forced: int) -> tuple[int | None, ...]:
    """The first `forced` standby supplies made active, for the sake of the load."""
    standby = sorted((role, slot) for slot, role in enumerate(roles) if role is not None and role > COLD_ACTIVE)
    chosen = {slot for _, slot in standby[:forced]}
    return tuple(COLD_ACTIVE if slot in chosen else role for slot, role in enumerate(roles))


def _user_ranks(settings: RedundancySettings, healthy: Sequence[bool], candidates: list[int]) -> list[int] | None:
    """The user's ranks to the letter, while every supply they name works and one supply stays active with them."""
    if settings.algorithm is not RankAlgorithm.USER_SPECIFIC:
        return None
    if {slot for slot, place in enumerate(settings.ranks) if place} - set(candidates):
        return None
    if not any(works and _role(place) <= 1 for works, place in zip(healthy, settings.ranks, strict=True)):
        return None
    return list(settings.ranks)


def _order(settings: RedundancySettings, candidates: list[int]) -> list[int]:
    if settings.algorithm is RankAlgorithm.USER_SPECIFIC:
        chosen = [slot for slot in candidates if settings.ranks[slot] > 0]
        return sorted(chosen, key=lambda slot: settings.ranks[slot])
    return candidates if settings.rotation else sorted(candidates)


def _role(place: int) -> int:
    """Rank 1 is active, 2 to 4 are cold standby; a supply beyond role 4 stays active."""
    return place if 1 <= place <= HIGHEST_ROLE else ALWAYS_ACTIVE
