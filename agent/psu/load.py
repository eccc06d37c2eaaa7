# SPDX-License-Identifier: Apache-2.0
"""How many standby supplies a load needs, before the share bus would wake them: pure.

The share bus wakes a standby supply at 40, 62 or 84 % of the full load of those that deliver (power-control facts,
CRPS section). This wakes it at 0.9 of that, so that no supply runs into its limit while roles are slow to change, and
lets it go 12 % of the rating lower, so that the bus does not have to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WAKE_AT = {2: 0.36, 3: 0.558, 4: 0.756}
"""By role; parts of the rating of the supplies that are active without it."""
HYSTERESIS = 0.12
"""Intel's supplies have more than 10 % of the rating, and so has this."""
RELEASE_AFTER_S = 30.0
"""A load that comes and goes does not make supplies come and go with it."""


def forced_active(
    roles: Sequence[int | None], ratings: Sequence[float], load_w: float | None, forced_before: int
) -> int:
    """How many standby supplies, in the order of their roles, must be active. Unknown load: the bus decides alone.

    `roles` of the healthy supplies only: None or 0 or 1 is active, 2 to 4 is standby.
    """
    if load_w is None:
        return 0
    active_w = sum(rated for role, rated in zip(roles, ratings, strict=True) if role not in WAKE_AT)
    standby = sorted((role, rated) for role, rated in zip(roles, ratings, strict=True) if role in WAKE_AT)
    forced = 0
    for role, rated_w in standby:
        assert role is not None
        wake_at = WAKE_AT[role] - (HYSTERESIS if forced < forced_before else 0.0)
        if load_w <= wake_at * active_w:
            break
        forced += 1
        active_w += rated_w
    return forced


def sufficient(load_w: float | None, rated_w: float, was_sufficient: bool) -> bool:
    """Whether working supplies carry the load; what was insufficient must first have 10 % to spare."""
    if rated_w <= 0:
        return False
    return load_w is None or load_w <= (rated_w if was_sufficient else 0.9 * rated_w)


class ForcedSupplies:
    """Remembers how many are forced: more at once, fewer only after the load has been low for a while."""

    def __init__(self) -> None:
        self.count = 0
        self._low_since: float | None = None

    def update(self, now_s: float, wanted: int) -> bool:
        """Take in what `forced_active` says; True when the count changed."""
        if wanted >= self.count:
            changed, self.count, self._low_since = wanted > self.count, wanted, None
            return changed
        if self._low_since is None:
            self._low_since = now_s
        if now_s - self._low_since < RELEASE_AFTER_S:
            return False
        self.count, self._low_since = wanted, None
        return True
