# SPDX-License-Identifier: Apache-2.0
"""Every event of the board as a record of the service's log: `journalctl -u pgood PGOOD_HOST=0`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agent.events.event import Severity

if TYPE_CHECKING:
    from agent.events.bus import EventBus
    from agent.events.event import Event

log = logging.getLogger("pgood.events")

PRIORITIES = {Severity.OK: 6, Severity.WARNING: 4, Severity.CRITICAL: 2}
"""syslog's: informational, warning, critical."""


def fields(event: Event) -> dict[str, str]:
    """The fields of an event; PGOOD_HOST, PGOOD_PSU and so on where it comes from one."""
    kind, divided, name = event.source.partition("/")
    of_source = {f"PGOOD_{kind.upper()}": name} if divided and kind.isascii() and kind.isalpha() else {}
    return {
        "PGOOD_EVENT": event.kind.value,
        "PGOOD_EVENT_ID": event.id,
        "PGOOD_SOURCE": event.source,
        "PGOOD_SEVERITY": event.severity.value,
        **of_source,
    }


class EventRecords:
    """Used on the loop's thread."""

    def __init__(self, bus: EventBus) -> None:
        log.setLevel(logging.INFO)  # events are told however quiet the rest is asked to be
        self._subscription = bus.subscribe("log")
        self._task = asyncio.create_task(self._write(), name="event-records")

    def stop(self) -> None:
        self._task.cancel()
        self._subscription.close()

    async def _write(self) -> None:
        while True:
            event = await self._subscription.get()
            log.info("%s", event.message, extra={"fields": fields(event), "priority": PRIORITIES[event.severity]})
