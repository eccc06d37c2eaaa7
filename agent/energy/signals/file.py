# SPDX-License-Identifier: Apache-2.0
"""Days from files that somebody else puts there: our own form, or powercap's three columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.energy.day_store import PERIOD, PRICE, VOLUME, parse_own, parse_periods, read_text
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind, SignalOptions
from agent.energy.signals.points import check
from agent.energy.slots import QUARTER_S, day_slot

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

COLUMN = {SignalUnit.MWH: VOLUME, SignalUnit.EUR_PER_MWH: PRICE}
READ_S = 20.0
"""A network file system may hang."""


class FileOptions(SignalOptions, frozen=True, kw_only=True):
    """`pattern` is a path with `{day}` in it, such as `/srv/epex_data_{day}.csv`."""

    pattern: str
    unit: SignalUnit = SignalUnit.EUR_PER_MWH
    """Of powercap's columns, MWh is the volume and EUR/MWh the price."""


def faults(options: FileOptions) -> Iterator[Fault]:
    if "{day}" not in options.pattern or not options.pattern.startswith("/"):
        yield "pattern", "is no path from / on with {day} in it, such as /srv/prices_{day}.csv"


class FileSource:
    """Implements SignalSource."""

    step_s = QUARTER_S
    ahead = True

    def __init__(self, options: FileOptions, around: Around) -> None:
        self.name, self.zone, self.unit = around.name, around.zone, options.unit
        self.origin = f"file {options.pattern}"
        self._pattern = options.pattern
        self._thread = around.thread

    async def fetch(self, day: datetime.date) -> SignalDay:
        return day_said(self, await self._thread.run(lambda: self._read(day), READ_S))

    def _read(self, day: datetime.date) -> tuple[SignalPoint, ...]:
        path = Path(self._pattern.replace("{day}", day.isoformat()))
        text = read_text(path)
        if text.startswith(PERIOD):
            if self.unit not in COLUMN:
                raise SignalError(f"{path} has volumes and prices, no {self.unit.value}", retry=False)
            return parse_periods(text, str(path), day, self.zone, COLUMN[self.unit])
        data = parse_own(text, str(path))
        if data.unit is not self.unit:
            raise SignalError(f"{path} is in {data.unit.value}, not in {self.unit.value}", retry=False)
        check(data.points, day_slot(day, self.zone), str(path))
        return data.points


KIND = SignalKind("days from files, ours or powercap's", FileOptions, FileSource, faults)
