# SPDX-License-Identifier: Apache-2.0
"""A limit for the power that the set delivers, set by a person: in the supplies where they can, watched everywhere."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.events.event import EventKind
from agent.psu.wear import serial_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.smbus import SmbusPort
    from agent.psu.monitor import SupplyMonitor
    from agent.store.settings import Settings

log = logging.getLogger(__name__)

KEY = "redundancy.power_limit"
EXCEEDED_S = 3.0
KEPT_AT = 0.95


class LimitRefused(OSError):
    """A supply did not take a limit; the text names it, and the others have their former limits."""


@dataclass(frozen=True, slots=True)
class AppliedLimit:
    """What the supplies took: the row to be stored, and the limit that each had before."""

    watts: float | None
    row: dict[str, Any]
    written: tuple[tuple[int, float], ...]
    present: int


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

    async def set(self, watts: float | None, origin: str) -> AppliedLimit | None:
        """Limit the set, or lift the limit (None) and give the supplies their own limits back. Raises StoreError.

        None where it was the limit already.
        """
        if watts == self.watts:
            return None
        applied = await self.apply(watts)
        await self._store.put(applied.row)
        self.adopt(applied, origin)
        return applied

    async def apply(self, watts: float | None, *, strict: bool = False) -> AppliedLimit:
        """Write the supplies; nothing is stored or believed before `adopt`.

        With `strict`, a supply that has such a limit and refuses it makes the others go back: raises LimitRefused.
        """
        present = [index for index, slot in enumerate(self._monitor.slots) if slot.readings is not None]
        originals = dict(self._originals)
        written: list[tuple[int, float]] = []
        for index in present:
            wanted = originals.get(serial_key(self._monitor.slots[index])) if watts is None else watts / len(present)
            if wanted is None:
                continue
            try:
                before = await self._write(index, wanted)
            except (OSError, ValueError) as error:
                name = self._monitor.slots[index].name
                log.warning("supply %s: the power limit cannot be written: %s", name, error)
                if strict:
                    await self.take_back(written)
                    raise LimitRefused(f"supply {name} does not take a power limit of {wanted:g} W: {error}") from error
                continue
            if before is not None:
                originals.setdefault(serial_key(self._monitor.slots[index]), before)
                written.append((index, before))
        row = {KEY: {"watts": watts, "originals": {} if watts is None else originals}}
        return AppliedLimit(watts, row, tuple(written), len(present))

    async def take_back(self, written: Sequence[tuple[int, float]]) -> None:
        """Give supplies the limits back that they had before; what fails is logged."""
        for index, before in written:
            try:
                await self._write(index, before)
            except (OSError, ValueError) as error:
                log.error("supply %s: its former power limit: %s", self._monitor.slots[index].name, error)

    def adopt(self, applied: AppliedLimit, origin: str) -> None:
        """Its row was stored: from now on it is the limit."""
        self.watts, self._originals = applied.watts, applied.row[KEY]["originals"]
        self._above_since, self._exceeded = None, False
        how = f"{len(applied.written)} of {applied.present} supplies keep it themselves"
        told = "none" if applied.watts is None else f"{applied.watts:g} W; {how}"
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

    async def _write(self, index: int, watts: float) -> float | None:
        """The limit before; None where the supply has no such limit. Raises OSError, ValueError."""
        driver = self._monitor.drivers[index]

        def work(port: SmbusPort) -> float | None:
            before = driver.power_limit(port)
            if before is not None and not driver.limit_power(port, watts):
                raise OSError(errno.EIO, "it reads back another")
            return before

        return await self._buses[self._monitor.tables[index].bus].call(work)
