# SPDX-License-Identifier: Apache-2.0
"""Polls the supplies, each on its bus's thread, and keeps the believed state of every slot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from agent.hardware.pmbus import PmbusSupply
from agent.hardware.smbus import nobody_answered
from agent.psu.slot import Poll, Presence, Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.pmbus import SupplyIdentity, SupplyReadings
    from agent.hardware.smbus import SmbusPort
    from agent.profile.schema import SupplyTable

log = logging.getLogger(__name__)

POLL_S = 1.0


class SupplyMonitor:
    """Used on the loop's thread. `slots` is in the profile's order and never changes its length."""

    def __init__(
        self,
        tables: Sequence[SupplyTable],
        buses: Mapping[str, I2cBus],
        emit: Callable[..., object],
        changed: Callable[[], None],
        poll_s: float = POLL_S,
    ) -> None:
        """`changed` is called after every round of polls in which a slot's believed health changed."""
        self.tables = tuple(tables)
        self.drivers = tuple(PmbusSupply(table.address) for table in tables)
        self.slots = [Slot(table.name) for table in tables]
        self._buses = buses
        self._emit = emit
        self._changed = changed
        self._poll_s = poll_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self.slots:
            self._task = asyncio.create_task(self._run(), name="supplies")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self.poll()
            await asyncio.sleep(self._poll_s)

    async def poll(self) -> None:
        """One round over all slots."""
        before = [slot.health for slot in self.slots]
        for number, poll in enumerate(await asyncio.gather(*map(self._poll_one, range(len(self.slots))))):
            slot, events = self.slots[number].polled(poll)
            if slot.presence is Presence.ABSENT and slot.identity is not None:
                self.drivers[number].forget()
                slot = Slot(slot.name, slot.health, None, None, slot.seen, slot.seen_polls)
            elif poll.readings is not None and slot.identity is None:
                slot = await self._identify(number, slot)
            self.slots[number] = slot
            for kind, args in events:
                self._emit(kind, f"psu/{slot.name}", slot.name, *args)
        if [slot.health for slot in self.slots] != before:
            self._changed()

    async def _poll_one(self, number: int) -> Poll:
        driver = self.drivers[number]
        try:
            readings: SupplyReadings = await self._buses[self.tables[number].bus].call(driver.readings)
        except TimeoutError:
            return Poll(error="the bus is stuck")
        except OSError as error:
            return Poll(absent=nobody_answered(error), error=error.strerror or str(error))
        return Poll(readings)

    async def _identify(self, number: int, slot: Slot) -> Slot:
        def read(port: SmbusPort) -> SupplyIdentity:
            self.drivers[number].forget()
            return self.drivers[number].identity(port)

        try:
            identity = await self._buses[self.tables[number].bus].call(read)
        except OSError as error:
            log.warning("supply %s: its identity cannot be read: %s", slot.name, error.strerror or error)
            return slot
        log.info("supply %s: %s %s, serial %s", slot.name, identity.mfr_id, identity.mfr_model, identity.serial)
        return Slot(slot.name, slot.health, slot.readings, identity, slot.seen, slot.seen_polls)
