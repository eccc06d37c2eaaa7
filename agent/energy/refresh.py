# SPDX-License-Identifier: Apache-2.0
"""When to ask a source for which day, and how long old data may be used. Pure."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from agent.energy.policies.situation import Freshness, SignalView
from agent.energy.signals.interface import SignalPoint
from agent.energy.slots import day_slot, local_day, quarters, wall_minute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.energy.signals.interface import SignalDay

MARKET_ZONE = "Europe/Brussels"
PUBLISHED_MINUTE = 12 * 60 + 55
"""From here on tomorrow is asked for: results come at about 13:00 of the market's time, and may be late."""
FIRST_WAIT_S = 60.0
LONGEST_WAIT_S = 3600.0
LOOK_S = 30.0
"""So often the plan is looked at."""
MAX_STALE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often in a row a source failed, and until when it is left alone."""

    failures: int = 0
    not_before_s: float = 0.0

    def after_failure(self, now_s: float, after_s: float | None = None) -> Patience:
        """Each wait is twice the last one, up to an hour; longer only if the source asked for it, up to a day."""
        wait_s = min(FIRST_WAIT_S * 2 ** min(self.failures, 10), LONGEST_WAIT_S)
        return Patience(self.failures + 1, now_s + max(wait_s, min(after_s or 0.0, MAX_STALE_S)))

    def over(self, now_s: float) -> bool:
        """A clock that was set back does not prolong the wait beyond a day."""
        return now_s >= self.not_before_s or self.not_before_s - now_s > MAX_STALE_S


def is_complete(day: datetime.date, data: SignalDay) -> bool:
    """Whether every second of the local day has a value."""
    whole = day_slot(day, data.zone)
    inside = (
        min(point.end_s, whole.end_utc_s) - max(point.start_s, whole.start_utc_s)
        for point in data.points
        if point.end_s > whole.start_utc_s and point.start_s < whole.end_utc_s
    )
    return sum(inside) >= whole.duration_s


def wanted_day(now_s: float, zone: str, days: Mapping[datetime.date, SignalDay]) -> datetime.date | None:
    """The day to ask for now: today first, then tomorrow once it is published."""
    today = local_day(now_s, zone)
    if today not in days or not is_complete(today, days[today]):
        return today
    tomorrow = today + datetime.timedelta(days=1)
    market_day = datetime.datetime.fromtimestamp(now_s, ZoneInfo(MARKET_ZONE)).date()
    published = market_day >= tomorrow or (market_day == today and wall_minute(now_s, MARKET_ZONE) >= PUBLISHED_MINUTE)
    if published and (tomorrow not in days or not is_complete(tomorrow, days[tomorrow])):
        return tomorrow
    return None


def view(
    now_s: float, zone: str, days: Mapping[datetime.date, SignalDay], max_stale_s: float = MAX_STALE_S
) -> SignalView:
    """Today's own points; else the newest older day's by the clock on the wall, for `max_stale_s` after its end."""
    today = local_day(now_s, zone)
    points = tuple(point for day in sorted(days) for point in days[day].points)
    if any(point.covers(now_s) for point in points):
        return SignalView(Freshness.FRESH, points, _within(points, today, zone))
    older = [day for day in days if day < today]
    if not older:
        return SignalView(Freshness.EXPIRED)
    last = max(older)
    if now_s - day_slot(last, zone).end_utc_s > max_stale_s:
        return SignalView(Freshness.EXPIRED)
    by_minute: dict[int, float] = {}
    for slot in quarters(last, zone):
        value = next((point.value for point in days[last].points if point.covers(slot.start_utc_s)), None)
        if value is not None:
            by_minute.setdefault(wall_minute(slot.start_utc_s, zone), value)
    moved = tuple(
        SignalPoint(slot.start_utc_s, slot.duration_s, by_minute[minute])
        for slot in quarters(today, zone)
        if (minute := wall_minute(slot.start_utc_s, zone)) in by_minute
    )
    return SignalView(Freshness.STALE, moved, moved)


def _within(points: tuple[SignalPoint, ...], day: datetime.date, zone: str) -> tuple[SignalPoint, ...]:
    whole = day_slot(day, zone)
    return tuple(point for point in points if whole.start_utc_s <= point.start_s < whole.end_utc_s)
