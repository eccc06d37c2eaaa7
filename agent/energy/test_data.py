# SPDX-License-Identifier: Apache-2.0
"""A made-up day for trying things out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent.energy.day_store import DayStore
from agent.energy.signals.interface import SignalUnit
from agent.energy.signals.mock import MockSource

if TYPE_CHECKING:
    import datetime
    from pathlib import Path


def write_day(directory: Path, signal: str, day: datetime.date, zone: str, seed: int) -> Path:
    """A day of made-up prices in our own form; its path. Blocks; not for the loop's thread. Raises OSError."""
    store = DayStore(directory)
    store.write(day, asyncio.run(MockSource(signal, SignalUnit.EUR_PER_MWH, zone, seed).fetch(day)))
    return store.path(signal, day)
