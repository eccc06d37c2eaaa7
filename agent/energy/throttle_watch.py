# SPDX-License-Identifier: Apache-2.0
"""Watches what a Raspberry Pi's firmware says of its own supply and heat. Elsewhere it ends at once."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agent.energy.meters.pi_throttling import Throttling, read
from agent.events.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.meters.pi_throttling import Throttled
    from agent.energy.sysfs import Sysfs
    from agent.hardware.port_thread import PortThread

log = logging.getLogger(__name__)

LOOK_S = 15.0
READ_S = 6.0
SOURCE = "energy/throttled"


def words(bits: Throttling) -> list[str]:
    """As telemetry has them: `under-voltage`, `throttled`."""
    return [bit.name.lower().replace("_", "-") for bit in Throttling if bit & bits and bit.name]


class ThrottleWatch:
    """Used on the loop's thread."""

    def __init__(self, sysfs: PortThread[Sysfs], emit: Callable[..., object], changed: Callable[[], None]) -> None:
        self.now: Throttled | None = None
        """None = this is no Raspberry Pi, or it does not tell just now."""
        self._sysfs = sysfs
        self._emit = emit
        self._changed = changed
        self._told = Throttling(0)

    async def run(self) -> None:
        """Until it is cancelled, or nothing tells."""
        while await self.look() or self._told or self.now is not None:
            await asyncio.sleep(LOOK_S)

    async def look(self) -> bool:
        """Whether something was told."""
        try:
            found = await self._sysfs.call(read, READ_S)
        except (OSError, TimeoutError) as error:
            log.warning("throttling: %s", error)
            return False
        if found != self.now:
            self.now = found
            self._changed()
        if found is not None and found.now != self._told:
            self._told = found.now
            kind = EventKind.ENERGY_THROTTLED if found.now else EventKind.ENERGY_NOT_THROTTLED
            self._emit(kind, SOURCE, "this computer", *([", ".join(words(found.now))] if found.now else []))
        return found is not None

    def close(self) -> None:
        self._sysfs.close()
