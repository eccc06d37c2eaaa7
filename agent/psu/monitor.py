# SPDX-License-Identifier: Apache-2.0
"""Polls the supplies, one round per bus at a time on the bus's thread, and keeps the believed state of every slot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.psu.incident import Incidents
from agent.psu.permission import wrong_model
from agent.psu.poller import SupplyPoller
from agent.psu.slot import SILENT, Poll, Slot
from agent.psu.trends import Trends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.hardware.i2c_bus import I2cBus
    from agent.hardware.smbus import SmbusPort
    from agent.profile.schema import SupplyTable
    from agent.psu.slot import Told

log = logging.getLogger(__name__)

ROUND_S = 0.1
"""Status of every supply, ten times a second."""
FULL_EVERY = 10
"""Rounds between two full readings of a supply."""
BUS_STUCK_ROUNDS = 3


class SupplyMonitor:
    """Used on the loop's thread. `slots` is in the profile's order and never changes its length."""

    def __init__(
        self,
        tables: Sequence[SupplyTable],
        buses: Mapping[str, I2cBus],
        emit: Callable[..., object],
        changed: Callable[[], None],
        *,
        present: Callable[[str], bool | None] = lambda line: None,
        bus_numbers: Mapping[str, int | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sys_root: Path = Path("/sys"),
    ) -> None:
        """`changed` is called after every full round, and when the believed state of a slot changed in another.

        `present` tells what a presence line says, None for "cannot tell".
        """
        self.tables = tuple(tables)
        numbers = bus_numbers or {}
        self.pollers = tuple(SupplyPoller(table, numbers.get(table.bus), sys_root) for table in tables)
        self.drivers = tuple(poller.driver for poller in self.pollers)
        self.slots = [Slot(table.name) for table in tables]
        self.trends = Trends(len(tables))
        self._buses = buses
        self._emit = emit
        self._changed = changed
        self._present = present
        self._clock = clock
        self._incidents = Incidents(len(tables))
        self._stuck_rounds = dict.fromkeys({table.bus for table in tables}, 0)
        self._misfits: set[int] = set()
        self._unheard = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(bus), name=f"supplies-{bus}") for bus in self._stuck_rounds]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, bus: str) -> None:
        number = 0
        due = self._clock()
        while True:
            await self.poll(bus, number)
            number += 1
            due = max(due + ROUND_S, self._clock())  # a late round is not made up for
            await asyncio.sleep(due - self._clock())

    async def poll(self, bus: str, number: int) -> None:
        """One round over the slots of a bus: their status, and every FULL_EVERY rounds everything.

        All are read in full together, when one changes too: their powers are added up, so they must be of one time.
        """
        slots = [index for index, table in enumerate(self.tables) if table.bus == bus]
        full = number % FULL_EVERY == 0 or not all(self.slots[index].settled for index in slots)

        def work(port: SmbusPort) -> list[Poll | None]:
            polls = [self.pollers[index].poll(port, full) for index in slots]
            if full or not any(polls):
                return polls
            return [poll or self.pollers[index].poll(port, True) for index, poll in zip(slots, polls, strict=True)]

        try:
            polls = await self._buses[bus].call(work)
        except OSError as error:
            self._bus_failed(bus, error)
            polls = [Poll(bus_stuck=True, error="the bus is stuck")] * len(slots)
        else:
            self._bus_works(bus)
        before = [(self.slots[index].health, self.slots[index].flapping) for index in slots]
        for index, poll in zip(slots, polls, strict=True):
            if poll is not None:
                self._polled(index, poll)
        self._tell(self._incidents.due(self._clock(), self.slots))
        for index in slots:
            flapping = self._incidents.flapping(index)
            if flapping != self.slots[index].flapping:
                self.slots[index] = replace(self.slots[index], flapping=flapping)
        after = [(self.slots[index].health, self.slots[index].flapping) for index in slots]
        if full:
            self._watch_trends()
        self._unheard |= before != after or full
        if self._unheard and not self._incidents.held_back:  # the cause is told before its consequences
            self._unheard = False
            self._changed()

    def _polled(self, index: int, poll: Poll) -> None:
        poll = self._with_presence(index, poll)
        before = self.slots[index]
        slot, events = before.polled(poll)
        if slot.health in SILENT and before.health not in SILENT:
            self.trends.forget(index)
        if poll.readings is None or slot.health in SILENT:  # what is learned while it is plugged in may be half of it
            self.pollers[index].relearn = True
        if slot.identity is not None and slot.identity != before.identity:
            told = slot.identity
            log.info("supply %s: %s %s, serial %s", slot.name, told.mfr_id, told.mfr_model, told.serial or "not told")
            self.slots[index] = slot
            events = events + self._fit(index)
        self.slots[index] = slot
        self._tell(self._incidents.take(self._clock(), index, events, self.slots))

    def _with_presence(self, index: int, poll: Poll) -> Poll:
        """A presence line decides between a supply that is gone and one that is silent."""
        line = self.tables[index].presence_line
        if poll.readings is not None or poll.bus_stuck or not line:
            return poll
        present = self._present(line)
        return poll if present is None else replace(poll, absent=not present)

    def _fit(self, index: int) -> list[Told]:
        """A supply whose role register may not be written although the profile wants it is told, with the reason."""
        table, slot = self.tables[index], self.slots[index]
        why = wrong_model(table, slot.identity, self.drivers[index].quirks) if table.cold_redundancy else ""
        if bool(why) == (index in self._misfits):
            return []
        self._misfits ^= {index}
        return [(EventKind.PSU_CONFIGURATION_ERROR, (why,)) if why else (EventKind.PSU_CONFIGURATION_FITS, ())]

    def _watch_trends(self) -> None:
        ratings = [self.rated_w(index) for index in range(len(self.slots))]
        repeats = [driver.repeats for driver in self.drivers]
        for index, kind, evidence in self.trends.watch(self._clock(), self.slots, ratings, repeats):
            args = (evidence,) if evidence else ()
            self._emit(kind, f"psu/{self.slots[index].name}", self.slots[index].name, *args)

    def rated_w(self, index: int) -> float:
        """What the supply says that it can deliver, else the profile's word."""
        identity = self.slots[index].identity
        return self.tables[index].rated_w if identity is None or not identity.rated_w else identity.rated_w

    def _tell(self, told: Sequence[tuple[int | None, EventKind, tuple[str, ...]]]) -> None:
        for index, kind, args in told:
            if index is None:
                self._emit(kind, "redundancy", *args)
            else:
                self._emit(kind, f"psu/{self.slots[index].name}", self.slots[index].name, *args)

    def _bus_failed(self, bus: str, error: OSError) -> None:
        self._stuck_rounds[bus] += 1
        if self._stuck_rounds[bus] == BUS_STUCK_ROUNDS:
            self._emit(EventKind.BUS_STUCK, f"bus/{bus}", bus, error.strerror or str(error))

    def _bus_works(self, bus: str) -> None:
        if self._stuck_rounds[bus] >= BUS_STUCK_ROUNDS:
            self._emit(EventKind.BUS_RECOVERED, f"bus/{bus}", bus)
        self._stuck_rounds[bus] = 0
