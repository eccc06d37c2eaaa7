# SPDX-License-Identifier: Apache-2.0
"""Days of signals as CSV files, one per signal and day. Blocks as files do."""

from __future__ import annotations

import csv
import datetime
import io
import re
import stat
from collections import defaultdict
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.signals.names import check_name, check_zone
from agent.energy.signals.points import check, in_order
from agent.energy.slots import day_slot, quarters, wall_minute
from agent.store.private import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER = ["start_utc_s", "duration_s", "value", "signal", "unit", "zone", "source", "fetched_at_s"]
MAX_BYTES = 1_000_000
KEPT = 400
"""Files of each signal: a year and some more."""
PERIOD, VOLUME, PRICE = "Period", "Volume (MWh)", "Price (€/MWh)"
LABEL = re.compile("([0-9]{1,2}):([0-5][0-9])")
MINUTES_OF_DAY = 1440


class DayStore:
    """The files of one directory, `SIGNAL_YYYY-MM-DD.csv`. Names of signals are checked."""

    def __init__(self, directory: Path, kept: int = KEPT) -> None:
        self.directory = directory
        self._kept = kept

    def path(self, signal: str, day: datetime.date) -> Path:
        """Raises SignalError for a name that is none."""
        check_name(signal)
        return self.directory / f"{signal}_{day.isoformat()}.csv"

    def write(self, day: datetime.date, data: SignalDay) -> None:
        """Whole or not at all, also when the power goes; then the oldest files are removed. Raises OSError."""
        path = self.path(data.signal, day)
        self.directory.mkdir(parents=True, exist_ok=True)
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(HEADER)
        tail = (data.signal, data.unit.value, data.zone, data.source, data.fetched_at_s)
        rows.writerows((point.start_s, point.duration_s, point.value, *tail) for point in data.points)
        replace_file(path, text.getvalue().encode(), 0o644)
        self._prune(data.signal)

    def read(self, signal: str, day: datetime.date) -> SignalDay | None:
        """None = there is no such file. Raises SignalError for one that cannot be used, or is of another day."""
        path = self.path(signal, day)
        if not path.exists():
            return None
        data = parse_own(read_text(path), str(path))
        check_zone(data.zone)
        check(data.points, day_slot(day, data.zone), str(path))
        return data

    def days(self, signal: str) -> list[datetime.date]:
        """Of which there is a file, in order. Raises OSError."""
        return sorted(day for day, _ in self._files(signal))

    def _files(self, signal: str) -> Iterator[tuple[datetime.date, Path]]:
        check_name(signal)
        for path in self.directory.glob(f"{signal}_????-??-??.csv"):
            try:
                yield datetime.date.fromisoformat(path.stem[-10:]), path
            except ValueError:
                continue  # somebody else's

    def _prune(self, signal: str) -> None:
        """By number and not by age: a clock that jumps a century ahead must not remove everything."""
        for _, path in sorted(self._files(signal))[: -self._kept]:
            path.unlink(missing_ok=True)


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """A small plain file of text. Raises SignalError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us
            raise SignalError(f"{path} is no plain file", retry=False)
        with path.open("rb") as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise SignalError(f"{path} is larger than {max_bytes} bytes: give a file of one day", retry=False)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SignalError(f"{path} is not UTF-8 text: save it as UTF-8", retry=False) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SignalError(f"{path} cannot be read: {why}", retry=True) from error


def parse_own(text: str, place: str) -> SignalDay:
    """Our own form. Raises SignalError."""
    try:
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
        points = [SignalPoint(int(row["start_utc_s"]), int(row["duration_s"]), float(row["value"])) for row in rows]
        first = rows[0]
        unit, fetched_at_s = SignalUnit(first["unit"]), float(first["fetched_at_s"])
        ordered = in_order(points, place)
        return SignalDay(first["signal"], unit, first["zone"], first["source"], fetched_at_s, ordered)
    except (csv.Error, ValueError, KeyError, IndexError, TypeError) as error:
        raise SignalError(f"{place} is no file of a day: {error!r}; delete it to fetch it anew", retry=False) from error


def parse_periods(text: str, place: str, day: datetime.date, zone: str, column: str) -> tuple[SignalPoint, ...]:
    """The form of powercap: Period, volume, price, with local labels. `column` is VOLUME or PRICE. Raises SignalError.

    A label that the local day has twice (clocks set back) means its first quarter the first time, then its second. One
    that it does not have (clocks set forward) is left out: the form knows no such days, and has all 96 labels.
    """
    free = defaultdict(list)
    for slot in quarters(day, zone):
        free[wall_minute(slot.start_utc_s, zone)].append(slot)
    known = frozenset(free)
    points: list[SignalPoint] = []
    rows = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in rows:
            minute = _minute(row[PERIOD])
            if minute in known:
                if not free[minute]:
                    raise SignalError(f"{place}: line {rows.line_num}: {row[PERIOD]} is there too often", retry=False)
                slot = free[minute].pop(0)
                points.append(SignalPoint(slot.start_utc_s, slot.duration_s, float(row[column])))
    except (csv.Error, ValueError, KeyError, TypeError) as error:
        where = f"{place}: line {rows.line_num}"
        raise SignalError(f"{where}: not the columns {PERIOD}, {column}: {error!r}", retry=False) from error
    return in_order(points, place)


def _minute(label: str) -> int:
    """Of `23:45-24:00`: when it begins, by the clock on the wall. Raises ValueError."""
    match = LABEL.fullmatch(label.partition("-")[0].strip()) if isinstance(label, str) else None
    minute = int(match[1]) * 60 + int(match[2]) if match else MINUTES_OF_DAY
    if minute >= MINUTES_OF_DAY or minute % 15:
        raise ValueError(f"{label!r} is no quarter of an hour")
    return minute
