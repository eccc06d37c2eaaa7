# SPDX-License-Identifier: Apache-2.0
"""A made-up day for trying things out: in our own form, and in the three columns of powercap. Same seed, same bytes."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from agent.energy.day_store import PERIOD, PRICE, VOLUME, DayStore
from agent.energy.signals.interface import SignalDay
from agent.energy.signals.mock import MockOptions, made_up
from agent.energy.slots import QUARTER_S, wall_minute
from agent.store.private import replace_file

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

    from agent.energy.signals.interface import SignalPoint

LEAST_MWH = 1.0
MINUTES = QUARTER_S // 60


def write_day(directory: Path, signal: str, day: datetime.date, zone: str, seed: int) -> Path:
    """A day of made-up prices in our own form; its path. Blocks; not for the loop's thread.

    Raises OSError, and SignalError for a name that is none.
    """
    store = DayStore(directory)
    options = _prices(seed)
    points = made_up(options, signal, day, zone)
    store.write(day, SignalDay(signal, options.unit, zone, f"test-data {seed}", float(points[0].start_s), points))
    return store.path(signal, day)


def write_powercap_day(directory: Path, day: datetime.date, zone: str, seed: int) -> Path:
    """A day of volumes and prices in powercap's form, as `mock_data_YYYY-MM-DD.csv`. Blocks. Raises OSError."""
    path = directory / f"mock_data_{day.isoformat()}.csv"
    directory.mkdir(parents=True, exist_ok=True)
    replace_file(path, powercap_text(day, zone, seed).encode(), 0o644)
    return path


def powercap_text(day: datetime.date, zone: str, seed: int) -> str:
    """Labels by the clock on the wall, the last one `23:45-24:00`; on days with changed clocks 92 or 100 rows."""
    volumes = made_up(MockOptions(seed=seed, mean=65.0, swing=40.0, noise=6.0), "volume", day, zone)
    prices = made_up(_prices(seed), "price", day, zone)
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow([PERIOD, VOLUME, PRICE])
    for volume, price in zip(volumes, prices, strict=True):
        rows.writerow([_label(volume, zone), f"{max(volume.value, LEAST_MWH):.1f}", f"{price.value:.2f}"])
    return text.getvalue()


def _prices(seed: int) -> MockOptions:
    """Cheap at noon, when the sun shines; may be negative."""
    return MockOptions(seed=seed, mean=80.0, swing=-40.0, noise=8.0)


def _label(point: SignalPoint, zone: str) -> str:
    start = wall_minute(point.start_s, zone)
    end = start + MINUTES
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
