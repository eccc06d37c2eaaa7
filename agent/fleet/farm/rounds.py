# SPDX-License-Identifier: Apache-2.0
"""Wakes that nobody needs, so that a machine that does not start any more is found: urgent, daily and random ones.

The wall clock only says when it is time. It may jump: a date that was used is not used again, and two daily wakes of a
machine are half a day apart by the monotonic clock, too.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from agent.fleet.farm.model import HOUR_NS, NS_PER_S, Reason

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from agent.fleet.farm.model import Clock, FarmNode, FarmSettings, Memory

APART_NS = 12 * HOUR_NS
DAYS_PER_MONTH = 30


def due(node: FarmNode, clock: Clock, settings: FarmSettings, memory: Memory) -> tuple[Reason, str] | None:
    """Why a sleeping machine should be woken now, apart from any need of it."""
    unseen_ns = clock.mono_ns - node.seen_ns
    if unseen_ns >= settings.unseen_ns:
        return Reason.URGENT, f"not seen for {unseen_ns // (3600 * NS_PER_S)} h"
    if clock.local is None:
        return None
    at = settings.daily_at
    if at is not None and clock.local.time() >= at and _free(node.name, clock, memory.daily, memory.daily_ns):
        return Reason.DAILY, f"the daily wake of {at:%H:%M}"
    minute = _random_minute(node.name, clock.local.date(), settings)
    now_minute = clock.local.hour * 60 + clock.local.minute
    if minute is not None and now_minute >= minute and _free(node.name, clock, memory.random, memory.random_ns):
        return Reason.RANDOM, f"a random wake, about {settings.random_per_month:g} a month"
    return None


def _free(name: str, clock: Clock, dates: Mapping[str, str], times_ns: Mapping[str, int]) -> bool:
    assert clock.local is not None
    last_ns = times_ns.get(name)
    apart = last_ns is None or clock.mono_ns - last_ns >= APART_NS
    return apart and dates.get(name) != clock.local.date().isoformat()


def _random_minute(name: str, day: datetime.date, settings: FarmSettings) -> int | None:
    """The minute of this day at which the machine is woken; None on most days. The same for the same seed."""
    digest = hashlib.sha256(f"{settings.seed}\n{name}\n{day.isoformat()}".encode()).digest()
    if int.from_bytes(digest[:4], "big") / 2**32 >= settings.random_per_month / DAYS_PER_MONTH:
        return None
    return int.from_bytes(digest[4:8], "big") % (24 * 60)
