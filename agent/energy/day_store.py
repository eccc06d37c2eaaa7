# SPDX-License-Identifier: Apache-2.0
"""Days of signals as CSV files, one per signal and day. Blocks as files do."""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from typing import TYPE_CHECKING

from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.slots import quarters, wall_minute

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

HEADER = ["start_utc_s", "duration_s", "value", "signal", "unit", "zone", "source", "fetched_at_s"]
MAX_BYTES = 1_000_000
PERIOD, VOLUME, PRICE = "Period", "Volume (MWh)", "Price (€/MWh)"


class DayStore:
    """The files of one directory, `SIGNAL_YYYY-MM-DD.csv`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, signal: str, day: datetime.date) -> Path:
        return self.directory / f"{signal}_{day.isoformat()}.csv"

    def write(self, day: datetime.date, data: SignalDay) -> None:
        """Whole or not at all, also when the power goes. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.path(data.signal, day)
        draft = path.with_suffix(".new")
        with draft.open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(HEADER)
            tail = (data.signal, data.unit.value, data.zone, data.source, data.fetched_at_s)
            rows.writerows((point.start_s, point.duration_s, point.value, *tail) for point in data.points)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)

    def read(self, signal: str, day: datetime.date) -> SignalDay | None:
        """None = there is no such file. Raises SignalError for one that cannot be used."""
        path = self.path(signal, day)
        return parse_own(read_text(path), str(path)) if path.exists() else None


def read_text(path: Path) -> str:
    """A small text file. Raises SignalError."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SignalError(f"{path} is larger than {MAX_BYTES} bytes: give a file of one day", retry=False)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise SignalError(f"{path} cannot be read: {error.strerror}", retry=True) from error
    except UnicodeDecodeError as error:
        raise SignalError(f"{path} is not UTF-8 text: save it as UTF-8", retry=False) from error


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

    A label that the local day has twice (clocks set back) means its first quarter the first time, then its second.
    """
    free = defaultdict(list)
    for slot in quarters(day, zone):
        free[wall_minute(slot.start_utc_s, zone)].append(slot)
    points: list[SignalPoint] = []
    try:
        for number, row in enumerate(csv.DictReader(io.StringIO(text), strict=True), start=2):
            start, _, _ = row[PERIOD].partition("-")
            hour, _, minute = start.strip().partition(":")
            slots = free[int(hour) * 60 + int(minute)]
            if not slots:
                raise SignalError(f"{place}: line {number}: {row[PERIOD]} is twice there, or not on {day}", retry=False)
            slot = slots.pop(0)
            points.append(SignalPoint(slot.start_utc_s, slot.duration_s, float(row[column])))
    except (csv.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SignalError(f"{place} has not the columns {PERIOD}, {column}: {error!r}", retry=False) from error
    return in_order(points, place)


def in_order(points: list[SignalPoint], place: str) -> tuple[SignalPoint, ...]:
    """Sorted by time. Raises SignalError where two overlap."""
    points = sorted(points, key=lambda point: point.start_s)
    for index in range(1, len(points)):
        if points[index].start_s < points[index - 1].end_s:
            raise SignalError(f"{place}: two values hold at {points[index].start_s}", retry=False)
    return tuple(points)
