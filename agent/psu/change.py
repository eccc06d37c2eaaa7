# SPDX-License-Identifier: Apache-2.0
"""A change of the cold-redundancy settings as people write it (JSON), checked as a whole before anything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ipmi.board import MAX_ROTATION_PERIOD_S, MIN_ROTATION_PERIOD_S, RankAlgorithm, RedundancySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS = {algorithm.name.lower(): algorithm for algorithm in RankAlgorithm}


class ChangeError(ValueError):
    """The change makes no sense; the text names the key and what it may be."""


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool | None = None
    rotation: bool | None = None
    algorithm: str | None = None
    ranks: list[int] | None = None
    period_s: int | None = None


def changed(settings: RedundancySettings, change: Mapping[str, Any]) -> RedundancySettings:
    """The settings after the change. Giving ranks alone chooses the user-specific algorithm. Raises ChangeError."""
    try:
        wanted = msgspec.convert(dict(change), _Change)
    except msgspec.ValidationError as error:
        raise ChangeError(str(error).replace(" - at `$.", ": `").replace("Object contains ", "")) from error
    algorithm = settings.algorithm
    if wanted.algorithm is not None:
        if wanted.algorithm not in ALGORITHMS:
            raise ChangeError(f"algorithm: {' or '.join(ALGORITHMS)} (not {wanted.algorithm!r})")
        algorithm = ALGORITHMS[wanted.algorithm]
    elif wanted.ranks is not None:
        algorithm = RankAlgorithm.USER_SPECIFIC
    ranks = settings.ranks if wanted.ranks is None else tuple(wanted.ranks)
    check_ranks(ranks, len(settings.ranks))
    period_s = settings.period_s if wanted.period_s is None else wanted.period_s
    if not MIN_ROTATION_PERIOD_S <= period_s <= MAX_ROTATION_PERIOD_S:
        raise ChangeError(f"period_s: {MIN_ROTATION_PERIOD_S} to {MAX_ROTATION_PERIOD_S} seconds (not {period_s})")
    return RedundancySettings(
        enabled=settings.enabled if wanted.enabled is None else wanted.enabled,
        rotation=settings.rotation if wanted.rotation is None else wanted.rotation,
        algorithm=algorithm,
        ranks=ranks,
        period_s=period_s,
    )


def check_ranks(ranks: tuple[int, ...], slots: int) -> None:
    """One rank per slot, 0 (never standby) to the number of slots, all different. Raises ChangeError."""
    if len(ranks) != slots:
        raise ChangeError(f"ranks: this board has {slots} supply slots (not {len(ranks)})")
    if any(not 0 <= rank <= slots for rank in ranks):
        raise ChangeError(f"ranks: 0 (never standby) to {slots}")
    if len(set(ranks)) != len(ranks):
        raise ChangeError("ranks: all must be different")
