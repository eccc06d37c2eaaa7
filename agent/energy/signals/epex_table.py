# SPDX-License-Identifier: Apache-2.0
"""Results of an EPEX SPOT auction from a saved page, or from a page that the operator may use. No address is built in.

EPEX SPOT asked a well-known project to stop reading its site: whoever names a `url` here must be entitled to it.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agent.energy.day_store import read_text
from agent.energy.signals.epex_html import read_table
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.signals.kind import SignalKind
from agent.energy.signals.points import STEPS_S, within
from agent.energy.signals.web import Web, WebOptions, web_faults
from agent.energy.slots import QUARTER_S, day_slot, quarters, wall_minute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.energy.signals.kind import Around, Fault

MAX_BYTES = 2_000_000
READ_S = 20.0
UNITS = (SignalUnit.EUR_PER_MWH, SignalUnit.MWH)


class EpexOptions(WebOptions, frozen=True, kw_only=True):
    """One of `path` and `url`, with `{day}` in it; `{day_before}` is the trading day."""

    path: str = ""
    url: str = ""
    unit: SignalUnit = SignalUnit.EUR_PER_MWH
    """EUR/MWh for the price, MWh for the volume."""


def faults(options: EpexOptions) -> Iterator[Fault]:
    if bool(options.path) == bool(options.url):
        yield "", "give either path, of a saved page, or url, of a page that you may use"
    elif "{day}" not in (options.path or options.url):
        yield "path" if options.path else "url", "has no {day} in it: which day a page is of could not be told"
    if options.url:
        yield from web_faults(options.url.replace("{day}", "").replace("{day_before}", ""), options.proxy, query=True)
    if options.unit not in UNITS:
        yield "unit", "is EUR/MWh or MWh: the table has nothing else"


class _Place(Protocol):
    unit: SignalUnit
    zone: str


class EpexTable:
    """Implements SignalSource."""

    step_s = QUARTER_S
    ahead = True

    def __init__(self, options: EpexOptions, around: Around) -> None:
        self.name, self.zone, self.unit = around.name, around.zone, options.unit
        self.origin = f"epex-table {options.path or options.url.partition('?')[0]}"
        self._options = options
        self._thread = around.thread
        self._web = Web(options, around)

    async def fetch(self, day: datetime.date) -> SignalDay:
        before = day - datetime.timedelta(days=1)
        named = self._options.path or self._options.url
        place = named.replace("{day}", day.isoformat()).replace("{day_before}", before.isoformat())
        if self._options.path:
            work = lambda: parse(read_text(Path(place), MAX_BYTES), place, day, self)  # noqa: E731
            return day_said(self, await self._thread.run(work, READ_S))
        short = place.partition("?")[0]

        def read(body: bytes) -> tuple[SignalPoint, ...]:
            return parse(body.decode("utf-8", "replace"), short, day, self)

        return day_said(self, await self._web.get(place, {}, read, page=True, max_bytes=MAX_BYTES))


def parse(text: str, place: str, day: datetime.date, of: _Place) -> tuple[SignalPoint, ...]:
    """A label that the local day has twice means its first time, then its second. Raises SignalError."""
    free = defaultdict(list)
    for slot in quarters(day, of.zone):
        free[wall_minute(slot.start_utc_s, of.zone)].append(slot)
    points = []
    for row in read_table(text, place):
        duration_s = row.minutes * 60
        slots = free[row.start_minute]
        if not slots or duration_s not in STEPS_S:
            hour, minute = divmod(row.start_minute, 60)
            raise SignalError(f"{place}: {hour:02}:{minute:02} is there too often, or not on {day}", retry=False)
        slot = slots.pop(0)
        value = row.volume_mwh if of.unit is SignalUnit.MWH else row.price_eur_mwh
        if value is not None:
            points.append(SignalPoint(slot.start_utc_s, duration_s, value))
    return within(points, day_slot(day, of.zone), place)


KIND = SignalKind(
    "a table of EPEX SPOT, from a file or page that you may use; off by default", EpexOptions, EpexTable, faults
)
