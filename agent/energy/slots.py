# SPDX-License-Identifier: Apache-2.0
"""Local days cut into quarters of an hour: 92, 96 or 100 of them, as the zone's clocks are changed. Pure."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class Slot:
    """Some time from `start_utc_s` (Unix seconds) on."""

    start_utc_s: int
    duration_s: int

    @property
    def end_utc_s(self) -> int:
        return self.start_utc_s + self.duration_s


def local_day(now_s: float, zone: str) -> datetime.date:
    """The calendar day in `zone`."""
    return datetime.datetime.fromtimestamp(now_s, ZoneInfo(zone)).date()


def day_slot(day: datetime.date, zone: str) -> Slot:
    """The whole local day, midnight to midnight."""
    start_s = _midnight_s(day, zone)
    return Slot(start_s, _midnight_s(day + datetime.timedelta(days=1), zone) - start_s)


def quarters(day: datetime.date, zone: str) -> tuple[Slot, ...]:
    """The day's quarters in order, without hole or overlap."""
    whole = day_slot(day, zone)
    return tuple(Slot(start_s, QUARTER_S) for start_s in range(whole.start_utc_s, whole.end_utc_s, QUARTER_S))


def wall_minute(at_s: float, zone: str) -> int:
    """Minutes since midnight that a clock on the wall shows."""
    local = datetime.datetime.fromtimestamp(at_s, ZoneInfo(zone))
    return local.hour * 60 + local.minute


def _midnight_s(day: datetime.date, zone: str) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), ZoneInfo(zone)).timestamp())
