# SPDX-License-Identifier: Apache-2.0
"""Times and durations as people write them: `06:00`, `2h`, `1h30m`, `2026-03-29T06:00`. Pure."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DURATION = re.compile(r"(?:([0-9]{1,3})d)?(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s)?")
UNITS_S = (86_400, 3600, 60, 1)
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
LONGEST_S = 14 * 86_400
"""Nothing is known of what comes later."""
SHOWN = 40
"""So many characters of what was given are repeated in an error."""


class WhenError(ValueError):
    """The text is no time or duration; one sentence with what was given and what is understood."""


def duration_s(text: str) -> int:
    """Seconds of `2h`, `90m`, `1h30m`, `45s`, `1d`. Raises WhenError, also for nothing and for more than 14 days."""
    found = DURATION.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        raise WhenError(f"{text[:SHOWN]!r} is no duration: write it like 2h, 90m or 1h30m")
    seconds = sum(int(number or 0) * unit_s for number, unit_s in zip(found.groups(), UNITS_S, strict=True))
    if not 0 < seconds <= LONGEST_S:
        raise WhenError(f"{text[:SHOWN]!r}: a duration is longer than 0 and at most 14d")
    return seconds


def instant_s(text: str, now_s: float, zone: ZoneInfo) -> float:
    """Unix time of a clock time (the next one in `zone`), a duration from `now_s` on, or an ISO time.

    An ISO time without an offset is one of `zone`. A clock time that the clocks skip means the instant of their change;
    one that they show twice means the next of the two. Raises WhenError, also for what is over or is 14 days ahead.
    """
    cut = text.strip()
    clock = CLOCK.fullmatch(cut)
    if clock is not None:
        return _next_clock_s(int(clock[1]), int(clock[2]), now_s, zone, text)
    if ISO.fullmatch(cut.upper()) is not None:
        at_s = _iso_s(cut.upper(), zone, text)
        if not now_s < at_s <= now_s + LONGEST_S:
            raise WhenError(f"{text[:SHOWN]!r} is over, or more than 14 days ahead")
        return at_s
    if DURATION.fullmatch(cut.lower()) is not None:
        return now_s + duration_s(text)
    raise WhenError(f"{text[:SHOWN]!r} is no time: write it like 06:00, 2h or 2026-03-29T06:00")


def _next_clock_s(hour: int, minute: int, now_s: float, zone: ZoneInfo, text: str) -> float:
    try:
        clock = datetime.time(hour, minute)
    except ValueError as error:
        raise WhenError(f"{text[:SHOWN]!r} is on no clock: 00:00 to 23:59 are") from error
    today = datetime.datetime.fromtimestamp(now_s, zone).date()
    days = (today + datetime.timedelta(days=offset) for offset in range(3))
    instants = (_local_s(datetime.datetime.combine(day, clock), zone, fold) for day in days for fold in (0, 1))
    return min(at_s for at_s in instants if at_s > now_s)


def _iso_s(text: str, zone: ZoneInfo, given: str) -> float:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise WhenError(f"{given[:SHOWN]!r} is in no calendar") from error
    return moment.timestamp() if moment.tzinfo is not None else _local_s(moment, zone, 0)


def _local_s(local: datetime.datetime, zone: ZoneInfo, fold: int) -> float:
    """Of a clock time without offset; where the clocks skip it, the instant at which they do."""
    at_s = local.replace(tzinfo=zone, fold=fold).timestamp()
    if datetime.datetime.fromtimestamp(at_s, zone).replace(tzinfo=None, fold=0) == local:
        return at_s
    early_s, late_s = sorted(int(local.replace(tzinfo=zone, fold=side).timestamp()) for side in (0, 1))
    before = _offset(early_s, zone)
    while late_s - early_s > 1:
        middle_s = (early_s + late_s) // 2
        early_s, late_s = (middle_s, late_s) if _offset(middle_s, zone) == before else (early_s, middle_s)
    return float(late_s)


def _offset(at_s: float, zone: ZoneInfo) -> datetime.timedelta | None:
    return datetime.datetime.fromtimestamp(at_s, zone).utcoffset()
