# SPDX-License-Identifier: Apache-2.0
"""Which governor and which energy preference stand for a wish, of those that a driver really has. Pure.

Drivers in active mode (intel_pstate, amd-pstate) offer `performance` and `powersave` only, and there `powersave` is the
one that follows the load; others offer many. So a wish is an order of choices, and the first that exists is taken.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Wish(Enum):
    FAST = "fast"
    BALANCED = "balanced"
    SAVING = "saving"


GOVERNORS = {
    Wish.FAST: ("performance", "schedutil", "ondemand"),
    Wish.BALANCED: ("schedutil", "ondemand", "conservative", "powersave"),
    Wish.SAVING: ("conservative", "schedutil", "ondemand", "powersave"),
}
"""`powersave` comes last: of a driver that has others, it is the lowest frequency whatever the load."""
PREFERENCES = {
    Wish.FAST: ("performance", "balance_performance"),
    Wish.BALANCED: ("balance_performance", "default", "balance_power"),
    Wish.SAVING: ("power", "balance_power"),
}
"""For energy_performance_preference."""


def governor(wish: Wish, available: Sequence[str]) -> str | None:
    """None where nothing that is available stands for the wish: then the governor stays."""
    return _first(GOVERNORS[wish], available)


def preference(wish: Wish, available: Sequence[str], chosen: str | None) -> str | None:
    """None where there is none to write. Under the governor `performance` the kernel refuses any other than its own."""
    if chosen == "performance":
        return None
    return _first(PREFERENCES[wish], available)


def _first(order: Sequence[str], available: Sequence[str]) -> str | None:
    return next((one for one in order if one in available), None)
