# SPDX-License-Identifier: Apache-2.0
"""When to ask a source for which day, and how long old data may be used. Pure."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.energy.policies.situation import Freshness, SignalView
from agent.energy.signals.interface import SignalPoint
from agent.energy.slots import Slot, day_slot, local_day, quarters, wall_minute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.energy.signals.interface import SignalDay

MARKET_ZONE = "Europe/Brussels"
PUBLISHED_MINUTE = 12 * 60 + 55
"""From here on tomorrow is asked for: results come at about 13:00 of the market's time, and may be late."""
FIRST_WAIT_S = 60.0
LONGEST_WAIT_S = 3600.0
DAY_S = 86_400.0
REFUSED_WAIT_S = DAY_S
"""After an error that asking again does not mend: a token may have been renewed."""
GROWING_WAIT_S = 900.0
"""Between two looks at a day that a source measures while it passes."""
LOOK_S = 30.0
"""So often the plan is looked at."""
MAX_STALE_S = DAY_S
HOLD_S = 7200.0
"""So long the last measured value of today stands in for the present one."""
CLOCK_SET_S = 1_577_836_800
"""2020: a clock that shows an earlier time is not set, and no day is asked for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often in a row a source failed, and how long from `since_s` on it is left alone."""

    failures: int = 0
    since_s: float = 0.0
    wait_s: float = 0.0

    @property
    def not_before_s(self) -> float:
        return self.since_s + self.wait_s

    def after_failure(self, now_s: float, after_s: float | None = None) -> Patience:
        """Each wait is twice the last one, up to an hour; longer only if the source asked for it, up to a day."""
        wait_s = min(FIRST_WAIT_S * 2 ** min(self.failures, 10), LONGEST_WAIT_S)
        return Patience(self.failures + 1, now_s, max(wait_s, min(after_s or 0.0, DAY_S)))

    def after_refusal(self, now_s: float) -> Patience:
        """Asking again soon does not help."""
        return Patience(self.failures + 1, now_s, REFUSED_WAIT_S)

    def over(self, now_s: float) -> bool:
        """A clock that was set back ends the wait, else it would be prolonged."""
        return not self.since_s <= now_s < self.not_before_s


def is_complete(day: datetime.date, data: SignalDay) -> bool:
    """Whether every second of the local day has a value."""
    return known_s(day, data) >= day_slot(day, data.zone).duration_s


def known_s(day: datetime.date, data: SignalDay) -> int:
    """How many seconds of the local day have a value."""
    whole = day_slot(day, data.zone)
    return sum(
        min(point.end_s, whole.end_utc_s) - max(point.start_s, whole.start_utc_s)
        for point in data.points
        if point.end_s > whole.start_utc_s and point.start_s < whole.end_utc_s
    )


def is_recent(day: datetime.date, data: SignalDay, now_s: float) -> bool:
    """Of a source that measures: whether it keeps up with the day so far."""
    begin_s = day_slot(day, data.zone).start_utc_s
    return now_s - max((point.end_s for point in data.points), default=begin_s) < HOLD_S


def merged(old: SignalDay | None, new: SignalDay) -> SignalDay:
    """What the new answer says, and what the old one of the same origin knew besides."""
    if old is None or (old.source, old.unit, old.zone) != (new.source, new.unit, new.zone):
        return new
    points = [*new.points, *_beside(old.points, new.points)]
    return replace(new, points=tuple(sorted(points, key=lambda point: point.start_s)))


def _beside(points: tuple[SignalPoint, ...], others: tuple[SignalPoint, ...]) -> Iterator[SignalPoint]:
    """Those that overlap none of the others; both are in order."""
    rest = list(reversed(others))
    for point in points:
        while rest and rest[-1].end_s <= point.start_s:
            rest.pop()
        if not rest or rest[-1].start_s >= point.end_s:
            yield point


def wanted_days(
    now_s: float, zone: str, days: Mapping[datetime.date, SignalDay], *, ahead: bool = True
) -> tuple[datetime.date, ...]:
    """The days to ask for now, the more urgent first: today, and tomorrow once it is published."""
    if now_s < CLOCK_SET_S:
        return ()
    today = local_day(now_s, zone)
    tomorrow = today + datetime.timedelta(days=1)
    market_day = local_day(now_s, MARKET_ZONE)
    published = market_day >= tomorrow or (market_day == today and wall_minute(now_s, MARKET_ZONE) >= PUBLISHED_MINUTE)
    asked = (today, tomorrow) if ahead and published else (today,)
    return tuple(day for day in asked if day not in days or not is_complete(day, days[day]))


def view(
    now_s: float, zone: str, days: Mapping[datetime.date, SignalDay], max_stale_s: float = MAX_STALE_S
) -> SignalView:
    """Today's own points; else today's last value for a while; else an older day's by the clock on the wall."""
    today = local_day(now_s, zone)
    whole = day_slot(today, zone)
    points = tuple(point for day in sorted(days) for point in days[day].points)
    own = _within(points, whole)
    if any(point.covers(now_s) for point in own):
        return SignalView(Freshness.FRESH, points, own)
    if held := _held(now_s, own, whole):
        with_held = tuple(sorted((*points, held), key=lambda point: point.start_s))
        return SignalView(Freshness.STALE, with_held, _within(with_held, whole))
    moved = tuple(_moved(now_s, zone, whole, days, max_stale_s))
    filled = tuple(sorted((*own, *_beside(moved, own)), key=lambda point: point.start_s))
    if not any(point.covers(now_s) for point in filled):
        return SignalView(Freshness.EXPIRED)
    later = tuple(point for point in points if point.start_s >= whole.end_utc_s)
    return SignalView(Freshness.STALE, (*filled, *later), filled)


def _held(now_s: float, own: tuple[SignalPoint, ...], whole: Slot) -> SignalPoint | None:
    """The last value before now, prolonged up to the next one."""
    last = max((point for point in own if point.end_s <= now_s), key=lambda point: point.end_s, default=None)
    if last is None or now_s - last.end_s >= HOLD_S:
        return None
    following = min((point.start_s for point in own if point.start_s > now_s), default=whole.end_utc_s)
    end_s = min(following, last.end_s + int(HOLD_S), whole.end_utc_s)
    return SignalPoint(last.end_s, end_s - last.end_s, last.value)


def _moved(
    now_s: float, zone: str, whole: Slot, days: Mapping[datetime.date, SignalDay], max_stale_s: float
) -> Iterator[SignalPoint]:
    """Older days' values at the same time of day, the newest first, while they are not too old."""
    by_minute: dict[int, float] = {}
    for day in sorted(days, reverse=True):
        end_s = day_slot(day, zone).end_utc_s
        if end_s <= whole.start_utc_s and now_s - end_s < max_stale_s:
            for slot, value in _by_quarter(day, zone, days[day].points):
                by_minute.setdefault(wall_minute(slot.start_utc_s, zone), value)
    for slot in quarters(local_day(now_s, zone), zone):
        minute = wall_minute(slot.start_utc_s, zone)
        if minute in by_minute:
            yield SignalPoint(slot.start_utc_s, slot.duration_s, by_minute[minute])


def _by_quarter(day: datetime.date, zone: str, points: tuple[SignalPoint, ...]) -> Iterator[tuple[Slot, float]]:
    rest = list(reversed(points))
    for slot in quarters(day, zone):
        while rest and rest[-1].end_s <= slot.start_utc_s:
            rest.pop()
        if rest and rest[-1].covers(slot.start_utc_s):
            yield slot, rest[-1].value


def _within(points: tuple[SignalPoint, ...], whole: Slot) -> tuple[SignalPoint, ...]:
    return tuple(point for point in points if whole.start_utc_s <= point.start_s < whole.end_utc_s)
