# SPDX-License-Identifier: Apache-2.0
"""Reads the battery again and again, and lets happen what its state machine asks for.

A machine is asked to shut down through the power manager, like by any client: whatever it answers is told.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.energy.battery import BatteryActionKind, BatteryState, NoBatteryReading, step
from agent.events.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.battery import BatteryAction, BatteryOptions, BatteryReading
    from agent.energy.battery_sources import BatterySource
    from agent.hardware.port_thread import PortThread

log = logging.getLogger(__name__)

LOOK_S = 5.0
READ_S = 10.0
"""A NUT server may be slow."""
SOURCE = "energy/battery"
NS_PER_S = 1_000_000_000


class BatteryWatch:
    """Used on the loop's thread."""

    def __init__(
        self,
        source: PortThread[BatterySource],
        options: BatteryOptions,
        soft_off: Callable[[], str],
        emit: Callable[..., object],
        now_ns: Callable[[], int],
    ) -> None:
        """`soft_off` asks for a clean shutdown and says of whom, and how that was answered."""
        self.state = BatteryState()
        self._source = source
        self._options = options
        self._soft_off = soft_off
        self._emit = emit
        self._now_ns = now_ns

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # a fault of ours must not end the watch
                log.exception("battery")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One reading and what follows from it."""
        reading: BatteryReading | NoBatteryReading
        try:
            reading = await self._source.call(lambda source: source.read(), READ_S)
        except (OSError, TimeoutError) as error:
            reading = NoBatteryReading(str(error))
        self.state, actions = step(self.state, self._now_ns() / NS_PER_S, reading, self._options)
        for action in actions:
            try:
                self._act(action)
            except Exception:
                if action.kind is BatteryActionKind.ASK_SOFT_OFF:
                    self.state = replace(self.state, asked=False)  # it was not asked for: the next look does it
                raise

    def _act(self, action: BatteryAction) -> None:
        match action.kind:
            case BatteryActionKind.ASK_SOFT_OFF:
                self._emit(EventKind.ENERGY_RESERVE, SOURCE, "battery", action.why, self._soft_off())
            case BatteryActionKind.RECOVERED:
                self._emit(EventKind.ENERGY_RESERVE_OVER, SOURCE, "battery", action.why)
            case BatteryActionKind.USE_MORE | BatteryActionKind.USE_LESS:
                more = action.kind is BatteryActionKind.USE_MORE
                kind = EventKind.ENERGY_SURPLUS if more else EventKind.ENERGY_SURPLUS_OVER
                self._emit(kind, SOURCE, "battery", action.why)

    def close(self) -> None:
        self._source.close()
