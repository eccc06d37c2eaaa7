# SPDX-License-Identifier: Apache-2.0
"""What cold redundancy keeps over a restart, typed, and its way into the settings store and out of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipmi.board import RankAlgorithm, RedundancySettings

if TYPE_CHECKING:
    from agent.profile.schema import RedundancyTable
    from agent.psu.population import Population
    from agent.store.settings import Settings

SETTINGS, EXPECTED, POPULATION = "redundancy.settings", "redundancy.expected", "redundancy.population"
ORDER, ELAPSED, WEAR = "redundancy.order", "redundancy.elapsed_s", "redundancy.wear_s"


def load_settings(store: Settings, table: RedundancyTable, slots: int) -> RedundancySettings:
    """What was set at run time, else the profile's."""
    default = RedundancySettings(
        enabled=table.enabled,
        rotation=table.rotation,
        algorithm=RankAlgorithm.BMC_SPECIFIC,
        ranks=tuple(range(1, slots + 1)),
        period_s=table.period_s,
    )
    stored: dict[str, Any] = store.get(SETTINGS, {})
    if not stored:
        return default
    loaded = RedundancySettings(
        enabled=bool(stored["enabled"]),
        rotation=bool(stored["rotation"]),
        algorithm=RankAlgorithm(stored["algorithm"]),
        ranks=tuple(stored["ranks"]),
        period_s=int(stored["period_s"]),
    )
    if len(loaded.ranks) != slots:  # the profile has another number of slots now
        return replace(loaded, ranks=default.ranks, algorithm=RankAlgorithm.BMC_SPECIFIC)
    return loaded


def settings_row(settings: RedundancySettings) -> dict[str, object]:
    return {
        "enabled": settings.enabled,
        "rotation": settings.rotation,
        "algorithm": int(settings.algorithm),
        "ranks": list(settings.ranks),
        "period_s": settings.period_s,
    }


def load_expected(store: Settings, table: RedundancyTable, slots: int) -> int:
    stored = store.get(EXPECTED)
    wanted = int(stored) if stored is not None else table.expected_supplies
    return slots if wanted is None else min(wanted, slots)


def load_population(store: Settings, slots: int) -> Population | None:
    stored = store.get(POPULATION)
    return tuple(stored) if stored is not None and len(stored) == slots else None


def load_order(store: Settings, slots: int) -> tuple[int, ...]:
    """The board's own order, as the last rotation left it; slot order at first."""
    stored = tuple(store.get(ORDER, ()))
    return stored if sorted(stored) == list(range(slots)) else tuple(range(slots))


def merged(current: RedundancySettings, base: RedundancySettings, wanted: RedundancySettings) -> RedundancySettings:
    """`wanted` was made from `base`; others may have changed `current` meanwhile: only what differs is taken over."""
    order_changed = (wanted.algorithm, wanted.ranks) != (base.algorithm, base.ranks)
    return RedundancySettings(
        enabled=wanted.enabled if wanted.enabled != base.enabled else current.enabled,
        rotation=wanted.rotation if wanted.rotation != base.rotation else current.rotation,
        algorithm=wanted.algorithm if order_changed else current.algorithm,
        ranks=wanted.ranks if order_changed else current.ranks,
        period_s=wanted.period_s if wanted.period_s != base.period_s else current.period_s,
    )


def told(before: RedundancySettings, after: RedundancySettings) -> str:
    """The change for an event."""
    names = ("enabled", "rotation", "algorithm", "ranks", "period_s")
    return ", ".join(
        f"{key} {_text(getattr(after, key))}" for key in names if getattr(after, key) != getattr(before, key)
    )


def _text(value: object) -> str:
    if isinstance(value, RankAlgorithm):
        return value.name.lower()
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value).lower()
