# SPDX-License-Identifier: Apache-2.0
"""A change of the cold-redundancy settings as people write it (JSON), checked as a whole before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from ipmi.board import MAX_ROTATION_PERIOD_S, MIN_ROTATION_PERIOD_S, RankAlgorithm, RedundancySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

MIN_LIMIT_W, MAX_LIMIT_W = 10.0, 100_000.0
ALGORITHMS = {algorithm.name.lower(): algorithm for algorithm in RankAlgorithm}


class ChangeError(ValueError):
    """The change makes no sense; the text names the key and what it may be."""


class RedundancyChange(msgspec.Struct, forbid_unknown_fields=True):
    """Some of the settings; `null` leaves one as it is, except the power limit, which it lifts."""

    enabled: bool | None = None
    rotation: bool | None = None
    algorithm: Annotated[str, msgspec.Meta(extra_json_schema={"enum": [*ALGORITHMS]})] | None = None
    ranks: list[int] | None = None
    period_s: int | None = None
    expected_supplies: int | None = None
    power_limit_w: float | msgspec.UnsetType | None = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change that has been found good. `limits`: whether the power limit is part of it (None lifts it)."""

    settings: RedundancySettings
    expected: int | None
    limits: bool
    power_limit_w: float | None


def changed(settings: RedundancySettings, change: Mapping[str, Any]) -> Wanted:
    """What the change makes of the settings. Giving ranks alone chooses the user's order. Raises ChangeError."""
    try:
        wanted = msgspec.convert(dict(change), RedundancyChange)
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
    expected, slots = wanted.expected_supplies, len(settings.ranks)
    if expected is not None and not 1 <= expected <= slots:
        raise ChangeError(f"expected_supplies: 1 to {slots} (not {expected})")
    limits = wanted.power_limit_w is not msgspec.UNSET
    limit_w = None if isinstance(wanted.power_limit_w, msgspec.UnsetType) else wanted.power_limit_w
    if limit_w is not None and not MIN_LIMIT_W <= limit_w <= MAX_LIMIT_W:
        raise ChangeError(f"power_limit_w: {MIN_LIMIT_W:g} to {MAX_LIMIT_W:g}, or null to lift it (not {limit_w:g})")
    after = RedundancySettings(
        enabled=settings.enabled if wanted.enabled is None else wanted.enabled,
        rotation=settings.rotation if wanted.rotation is None else wanted.rotation,
        algorithm=algorithm,
        ranks=ranks,
        period_s=period_s,
    )
    return Wanted(after, expected, limits, limit_w)


def check_ranks(ranks: tuple[int, ...], slots: int) -> None:
    """One rank per slot, 0 (never standby) to the number of slots, all different. Raises ChangeError."""
    if len(ranks) != slots:
        raise ChangeError(f"ranks: this board has {slots} supply slots (not {len(ranks)})")
    if any(not 0 <= rank <= slots for rank in ranks):
        raise ChangeError(f"ranks: 0 (never standby) to {slots}")
    if len(set(ranks)) != len(ranks):
        raise ChangeError("ranks: all must be different")
