# SPDX-License-Identifier: Apache-2.0
"""Keeps the energy of hours and days over restarts: what was counted is forgotten for the last minute at most.

What is over is written once, and only what is open every minute: an SD card lives from that.
"""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from agent.energy.energy_ledger import Energy, EnergyLedger
from agent.energy.meters.interface import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from agent.energy.meters.interface import Reading

log = logging.getLogger(__name__)

HOURS, DAYS, OPEN = "energy.hours", "energy.days", "energy.open"
STORE_S = 60.0

Row = tuple[float, float, float]


class _Rows(msgspec.Struct):
    """By quantity: the start of an hour or the date of a day, and its energy."""

    hours: dict[str, dict[int, Row]] = msgspec.field(default_factory=dict)
    days: dict[str, dict[datetime.date, Row]] = msgspec.field(default_factory=dict)


class Store(Protocol):
    """What is used of agent.store.settings.Settings."""

    def get(self, key: str, default: Any = None) -> Any: ...

    async def put(self, values: Mapping[str, Any]) -> None: ...


class EnergyCounters:
    """Used on the loop's thread."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self.ledger = EnergyLedger(zone)
        self._store = store
        self._stored_at_ns: int | None = None
        self._read({"hours": store.get(HOURS, {}), "days": store.get(DAYS, {})})
        self._read(store.get(OPEN, {}))

    async def add(self, readings: Mapping[Quantity, Reading], now_s: float, now_ns: int) -> None:
        """Count; once a minute, store. `now_s` is Unix time, `now_ns` monotonic."""
        self.ledger.add(readings, now_s)
        if self._stored_at_ns is None:
            self._stored_at_ns = now_ns
        if now_ns - self._stored_at_ns >= STORE_S * 1e9:
            self._stored_at_ns = now_ns
            await self.keep(now_s)

    async def keep(self, now_s: float) -> None:
        """Store what was counted. What the disk does not take is counted on, and tried again."""
        hour, day = int(now_s // 3600) * 3600, self.ledger.date(now_s)
        hours, days = _rows(self.ledger.hours), _rows(self.ledger.days)
        values = {
            HOURS: {
                name: {str(start): row for start, row in rows.items() if start != hour} for name, rows in hours.items()
            },
            DAYS: {
                name: {date.isoformat(): row for date, row in rows.items() if date != day}
                for name, rows in days.items()
            },
            OPEN: {
                "hours": {name: {str(hour): rows[hour]} for name, rows in hours.items() if hour in rows},
                "days": {name: {day.isoformat(): rows[day]} for name, rows in days.items() if day in rows},
            },
        }
        try:
            await self._store.put(values)
        except OSError as error:
            log.warning("energy of hours and days is not stored: %s", error)

    def _read(self, stored: Any) -> None:
        try:
            rows = msgspec.convert(stored, _Rows, strict=False)
        except msgspec.ValidationError as error:
            log.warning("what is stored of the energy is not usable: %s", error)
            return
        for quantity in Quantity:
            for start, row in rows.hours.get(quantity.value, {}).items():
                self.ledger.hours[quantity][start] = Energy(*row)
            for date, row in rows.days.get(quantity.value, {}).items():
                self.ledger.days[quantity][date] = Energy(*row)


def _rows(kept: Mapping[Quantity, Mapping[Any, Energy]]) -> dict[str, dict[Any, list[float]]]:
    return {
        quantity.value: {
            key: [round(one.wh, 3), round(one.estimated_wh, 3), round(one.seconds, 1)]
            for key, one in sorted(rows.items())
        }
        for quantity, rows in kept.items()
        if rows
    }
