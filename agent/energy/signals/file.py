# SPDX-License-Identifier: Apache-2.0
"""Days from files that somebody else puts there: our own form, or powercap's three columns."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.energy.day_store import PERIOD, PRICE, VOLUME, parse_own, parse_periods, read_text
from agent.energy.signals.interface import SignalDay, SignalError, SignalUnit
from agent.energy.slots import QUARTER_S

if TYPE_CHECKING:
    import datetime

COLUMN = {SignalUnit.MWH: VOLUME, SignalUnit.EUR_PER_MWH: PRICE}


@dataclass(frozen=True, slots=True)
class FileSource:
    """`pattern` is a path with `{day}` in it, such as `/srv/epex_data_{day}.csv`."""

    name: str
    unit: SignalUnit
    zone: str
    pattern: str
    step_s: int = QUARTER_S

    async def fetch(self, day: datetime.date) -> SignalDay:
        return await asyncio.to_thread(self._read, day)

    def _read(self, day: datetime.date) -> SignalDay:
        path = Path(self.pattern.replace("{day}", day.isoformat()))
        text = read_text(path)
        if not text.startswith(PERIOD):
            data = parse_own(text, str(path))
            if data.unit is not self.unit:
                raise SignalError(f"{path} is in {data.unit.value}, not in {self.unit.value}", retry=False)
            return SignalDay(self.name, self.unit, self.zone, str(path), time.time(), data.points)
        if self.unit not in COLUMN:
            raise SignalError(f"{path} has volumes and prices, no {self.unit.value}", retry=False)
        points = parse_periods(text, str(path), day, self.zone, COLUMN[self.unit])
        return SignalDay(self.name, self.unit, self.zone, str(path), time.time(), points)
