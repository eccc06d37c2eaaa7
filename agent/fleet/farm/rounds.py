# SPDX-License-Identifier: Apache-2.0
"""Wakes that nobody needs, so that a machine that does not start any more is found: urgent, daily and random ones.

The wall clock only says when it is time. It may jump: a date that was used is not used again, and two daily wakes of a
machine are half a day apart by the monotonic clock, too. Who was up at that time or later is known to start.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.fleet.farm.model import HOUR_NS, NS_PER_S, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.fleet.farm.model import Clock, FarmNode, FarmSettings, Memory

APART_NS = 12 * HOUR_NS
DAYS_PER_MONTH = 30
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """`day` is the one whose wake this is."""

    reason: Reason
    text: str
    day: datetime.date | None


def due(node: FarmNode, clock: Clock, settings: FarmSettings, memory: Memory) -> Due | None:
    """Why a sleeping machine should be woken now, apart from any need of it."""
    local, unseen_ns = clock.local, clock.mono_ns - node.seen_ns
    if unseen_ns >= settings.unseen_ns:
        text = f"not seen for {unseen_ns // (3600 * NS_PER_S)} h"
        return Due(Reason.URGENT, text, None if local is None else local.date())
    if local is None:
        return None
    at = None if settings.daily_at is None else _passed(settings.daily_at, local)
    if at is not None and _free(node, clock, local - at, at.date(), memory.daily, memory.daily_ns):
        return Due(Reason.DAILY, f"the daily wake of {at:%H:%M}", at.date())
    at = _random_time(node.name, local.date(), settings)
    if at is not None and _free(node, clock, local - at, at.date(), memory.random, memory.random_ns):
        return Due(Reason.RANDOM, f"a random wake, about {settings.random_per_month:g} a month", at.date())
    return None


def _passed(at: datetime.time, local: datetime.datetime) -> datetime.datetime | None:
    """When it was this time last: today, or less than half a day ago, for machines whose turn comes after midnight."""
    today = datetime.datetime.combine(local.date(), at)
    if local >= today:
        return today
    return today - DAY if _ns(local - (today - DAY)) < APART_NS else None


def _free(
    node: FarmNode, clock: Clock, since: datetime.timedelta,
    day: datetime.date, dates: Mapping[str, str], times_ns: Mapping[str, int],
) -> bool:  # fmt: skip
    """Whether the wake that was due `since` is still to be made."""
    last_ns = times_ns.get(node.name)
    apart = last_ns is None or clock.mono_ns - last_ns >= APART_NS
    was_up = node.changed_ns is not None and clock.mono_ns - node.changed_ns < _ns(since)
    return since >= datetime.timedelta() and apart and not was_up and dates.get(node.name) != day.isoformat()


def _ns(span: datetime.timedelta) -> int:
    return span // datetime.timedelta(microseconds=1) * 1000


def _random_time(name: str, day: datetime.date, settings: FarmSettings) -> datetime.datetime | None:
    """When on this day the machine is woken; None on most days. The same for the same seed."""
    digest = hashlib.sha256(f"{settings.seed}\n{name}\n{day.isoformat()}".encode()).digest()
    if int.from_bytes(digest[:4], "big") / 2**32 >= settings.random_per_month / DAYS_PER_MONTH:
        return None
    minute = int.from_bytes(digest[4:8], "big") % (24 * 60)
    return datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=minute)
