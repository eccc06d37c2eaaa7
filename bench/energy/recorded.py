# SPDX-License-Identifier: Apache-2.0
"""A recorded year: the days that an agent has stored (`signals` in its state directory keeps 400 of them)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from agent.energy.day_store import DayStore
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint
from agent.energy.slots import QUARTER_S, quarters, wall_minute
from bench.energy.year import CARBON, PRICE, UNITS, VOLUME, Days, Year

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_DAYS = 366


class NotRecorded(Exception):
    """One sentence with what is missing."""


def recorded_year(folder: Path) -> Year:
    """The newest days of `price` and `carbon`, and of `volume` if there are any. Raises NotRecorded.

    A day of which a quarter is missing is one that the agent did not know. What happened then nobody knows either:
    the quarters of the last whole day stand for it.
    """
    store = DayStore(folder)
    stored = sorted(set(store.days(PRICE)) & set(store.days(CARBON)))[-LONGEST_DAYS:]
    if len(stored) < 2:
        raise NotRecorded(f"{folder} has no two days of both {PRICE}_*.csv and {CARBON}_*.csv")
    names = [PRICE, CARBON, *([VOLUME] if store.days(VOLUME) else [])]
    zone = _read(store, PRICE, stored[0]).zone
    days = [stored[0] + datetime.timedelta(days=number) for number in range((stored[-1] - stored[0]).days + 1)]
    signals: dict[str, Days] = {name: {} for name in names}
    known: dict[str, Days] = {name: {} for name in names}
    for name in names:
        last: SignalDay | None = None
        for day in days:
            whole = _whole(store, name, day, zone)
            if whole is not None:
                known[name][day] = last = whole
            if last is None:
                raise NotRecorded(f"{folder}: the first day, {day}, of {name} is not whole: remove it")
            signals[name][day] = whole or _as(last, day)
    return Year(signals, known, zone)


def _read(store: DayStore, name: str, day: datetime.date) -> SignalDay:
    try:
        data = store.read(name, day)
    except (SignalError, OSError) as error:
        raise NotRecorded(str(error)) from error
    if data is None or data.unit is not UNITS[name]:
        raise NotRecorded(f"{store.path(name, day)} is not there, or not in {UNITS[name].value}")
    return data


def _whole(store: DayStore, name: str, day: datetime.date, zone: str) -> SignalDay | None:
    """In quarters; None where one is missing."""
    if not store.path(name, day).exists():
        return None
    data = _read(store, name, day)
    points = []
    for slot in quarters(day, zone):
        found = next((point for point in data.points if point.covers(slot.start_utc_s)), None)
        if found is None:
            return None
        points.append(SignalPoint(slot.start_utc_s, QUARTER_S, found.value))
    return SignalDay(name, data.unit, zone, data.source, data.fetched_at_s, tuple(points))


def _as(last: SignalDay, day: datetime.date) -> SignalDay:
    """The same quarters by the clock on the wall."""
    by_minute = {wall_minute(point.start_s, last.zone): point.value for point in last.points}
    fallback = last.points[-1].value
    points = tuple(
        SignalPoint(slot.start_utc_s, QUARTER_S, by_minute.get(wall_minute(slot.start_utc_s, last.zone), fallback))
        for slot in quarters(day, last.zone)
    )
    return SignalDay(last.signal, last.unit, last.zone, last.source, 0.0, points)
