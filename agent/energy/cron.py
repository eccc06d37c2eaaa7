# SPDX-License-Identifier: Apache-2.0
"""Times by a cron expression of five fields: minute, hour, day of month, month, day of week. Pure.

Source: crontab(5). Where the clocks are changed: a time that the clock on the wall leaves out is taken as much later as
the clock was put forward; a time that comes twice is taken the first time, and both times if the hour is `*`.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
WEEKDAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
HOURS = frozenset(range(24))
MOST_DAYS = 8 * 366 + 1
"""29 February comes after eight years at most."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    words: tuple[tuple[str, int], ...] = ()

    @property
    def every(self) -> range:
        """What `*` means. Sunday is 0 and 7: once is enough."""
        return range(self.least, min(self.most, 6 if self.name == "day of week" else self.most) + 1)


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, tuple(MONTHS.items())),
    _Field("day of week", 0, 7, tuple(WEEKDAYS.items())),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """What each field allows. Weekdays count from Sunday = 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """The day of month begins with `*`: then the day of week alone decides, and the other way round."""
    any_weekday: bool

    def next_after(self, now_s: float, zone: str) -> float:
        """Unix seconds, later than `now_s`; `zone` is where the clock hangs on the wall."""
        zone_info = ZoneInfo(zone)
        first = datetime.datetime.fromtimestamp(now_s, zone_info).date()
        for offset in range(MOST_DAYS):
            day = first + datetime.timedelta(days=offset)
            if self._has(day):
                later = [at_s for at_s in self._times(day, zone_info) if at_s > now_s]
                if later:
                    return min(later)
        raise AssertionError("parse_cron let a day pass that never comes")

    def _has(self, day: datetime.date) -> bool:
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        either = not (self.any_day or self.any_weekday)
        return day.month in self.months and ((of_month or of_week) if either else (of_month and of_week))

    def _times(self, day: datetime.date, zone: ZoneInfo) -> set[float]:
        folds = (0, 1) if self.hours == HOURS else (0,)
        return {
            datetime.datetime.combine(day, datetime.time(hour, minute, fold=fold), zone).timestamp()
            for hour in self.hours
            for minute in self.minutes
            for fold in folds
        }


def parse_cron(text: str) -> Cron:
    """Raises ValueError with the field and what is wrong there."""
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        raise ValueError(f"{len(parts)} fields instead of five (minute, hour, day of month, month, day of week)")
    minutes, hours, days, months, weekdays = (_values(part, field) for part, field in zip(parts, FIELDS, strict=True))
    any_day, any_weekday = parts[2].startswith("*"), parts[4].startswith("*")
    if any_weekday and not any(min(days) <= LONGEST_MONTH.get(month, 31) for month in months):
        raise ValueError(f"no month of these has a day {min(days)}")
    return Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), any_day, any_weekday)


def _values(text: str, field: _Field) -> frozenset[int]:
    return frozenset().union(*(_part(part, field) for part in text.split(",")))


def _part(text: str, field: _Field) -> frozenset[int]:
    """`*`, `5`, `1-5`, each with `/step`; months and weekdays may be words."""
    span, slash, step_text = text.partition("/")
    if (slash and not re.fullmatch(r"[0-9]{1,2}", step_text)) or step_text in ("0", "00"):
        raise ValueError(f"{field.name}: {text!r} has no step such as */15")
    step = int(step_text) if slash else 1
    if span == "*":
        return frozenset(field.every[::step])
    begin_text, dash, end_text = span.partition("-")
    begin = _number(begin_text, field)
    end = _number(end_text, field) if dash else (field.most if slash else begin)
    if begin > end:
        raise ValueError(f"{field.name}: {text!r} runs backwards")
    return frozenset(range(begin, end + 1, step))


def _number(text: str, field: _Field) -> int:
    words = dict(field.words)
    number = words[text] if text in words else int(text) if re.fullmatch(r"[0-9]{1,2}", text) else -1
    if not field.least <= number <= field.most:
        raise ValueError(f"{field.name}: {text!r} is not {field.least} to {field.most}")
    return number
