# SPDX-License-Identifier: Apache-2.0
"""A limit for the power that the set delivers, set by a person: in the supplies where they can, watched everywhere."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from agent.events.event import EventKind
from agent.psu.wear import serial_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.smbus import SmbusPort
    from agent.psu.monitor import SupplyMonitor
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

KEY = "redundancy.power_limit"
EXCEEDED_S = 3.0
KEPT_AT = 0.95


class PowerLimit:
    """Used on the loop's thread. Nothing is written to a supply except when `set` is called."""

    def __init__(
        self,
        monitor: SupplyMonitor,
        buses: Mapping[str, I2cBus],
        store: Settings,
        emit: Callable[..., object],
    ) -> None:
        self._monitor = monitor
        self._buses = buses
        self._store = store
        self._emit = emit
        stored: dict[str, Any] = store.get(KEY, {})
        self.watts: float | None = stored.get("watts")
        self._originals: dict[str, float] = dict(stored.get("originals", {}))
        self._above_since: float | None = None
        self._exceeded = False

    async def set(self, watts: float | None, origin: str) -> None:
        """Limit the set, or lift the limit (None) and give the supplies their own limits back. Raises StoreError."""
        if watts == self.watts:
            return
        present = [index for index, slot in enumerate(self._monitor.slots) if slot.readings is not None]
        kept = 0
        originals = dict(self._originals)
        for index in present:
            wanted = originals.get(serial_key(self._monitor.slots[index])) if watts is None else watts / len(present)
            kept += wanted is not None and await self._write(index, wanted, originals)
        await self._store.put({KEY: {"watts": watts, "originals": {} if watts is None else originals}})
        self.watts, self._originals = watts, {} if watts is None else originals
        self._above_since, self._exceeded = None, False
        how = f"{kept} of {len(present)} supplies keep it themselves"
        told = "none" if watts is None else f"{watts:g} W; {how}"
        self._emit(EventKind.REDUNDANCY_POWER_LIMIT, "redundancy", "redundancy", origin, told)

    def watch(self, now_s: float, load_w: float | None) -> None:
        """Tell when the load stays above the limit, and when it is within it again."""
        if self.watts is None or load_w is None:
            return
        if load_w > self.watts:
            if self._above_since is None:
                self._above_since = now_s
            if not self._exceeded and now_s - self._above_since >= EXCEEDED_S:
                self._exceeded = True
                self._tell(EventKind.REDUNDANCY_LIMIT_EXCEEDED, load_w)
            return
        self._above_since = None
        if self._exceeded and load_w <= KEPT_AT * self.watts:
            self._exceeded = False
            self._tell(EventKind.REDUNDANCY_LIMIT_KEPT, load_w)

    def _tell(self, kind: EventKind, load_w: float) -> None:
        self._emit(kind, "redundancy", "redundancy", f"{load_w:.0f} W", f"{self.watts:g} W")

    async def _write(self, index: int, watts: float, originals: dict[str, float]) -> bool:
        driver = self._monitor.drivers[index]
        slot = self._monitor.slots[index]

        def work(port: SmbusPort) -> float | None:
            before = driver.power_limit(port)
            return before if before is not None and driver.limit_power(port, watts) else None

        try:
            before = await self._buses[self._monitor.tables[index].bus].call(work)
        except (OSError, ValueError) as error:
            log.warning("supply %s: the power limit cannot be written: %s", slot.name, error)
            return False
        if before is not None:
            originals.setdefault(serial_key(slot), before)
        return before is not None
