# SPDX-License-Identifier: Apache-2.0
"""A face with everything that a board puts behind it: database, event record, spool.

`python -m tests.agent.mqtt.spooling_agent URL FOLDER PERIOD_S [COUNT]` emits an event each period and prints
the id of each one that it was told of, which means that it is written; to be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.events.bus import EventBus
from agent.events.event import EventKind
from agent.mqtt.face import MqttFace
from agent.mqtt.spooling import Spooling
from agent.store.database import Database
from agent.store.journal import EventJournal
from agent.store.sel import SystemEventLog
from agent.store.settings import Settings
from tests.agent.mqtt.boards import MemoryBoard
from tests.agent.mqtt.faces import Running, config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.mqtt.spool_stream import SpoolStream


@dataclass(frozen=True)
class SpoolingAgent(Running):
    stream: SpoolStream
    spooling: Spooling
    journal: EventJournal


@contextlib.asynccontextmanager
async def spooling_agent(url: str, folder: Path, **changes: Any) -> AsyncIterator[SpoolingAgent]:
    settings_of = config(url, **changes)
    database = Database(folder / "state.db")
    settings = Settings(database)
    spooling = Spooling(folder, database, settings_of)
    start = max(int(settings.get("agent.starts", 0)), spooling.last_start) + 1
    settings.put_now({"agent.starts": start})
    database.sync_now()
    sel = SystemEventLog(database, settings, lambda: 0)
    journal = EventJournal(database, sel, lambda event: None, companion=spooling.spooler)
    bus = EventBus(journal, start, f"boot-{start}")
    stream = await spooling.open(journal, settings)
    board = MemoryBoard()
    face = MqttFace(settings_of, board, bus, events=stream, samples=spooling.samples)
    bus.start()
    face.start()
    try:
        yield SpoolingAgent(face, board, bus, stream, spooling, journal)
    finally:
        await face.close()
        await bus.close()
        await spooling.close()
        spooling.close_now()
        database.close()


async def serve(url: str, folder: Path, period_s: float, count: int) -> None:
    async with spooling_agent(url, folder, replay_per_s=5000.0, telemetry_interval_s=60.0) as agent:
        told = agent.bus.subscribe("told")

        async def tell() -> None:
            while True:
                event = await told.get()
                print(event.id, flush=True)

        telling = asyncio.create_task(tell())
        for _ in range(count):
            agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
            await asyncio.sleep(period_s)
        await asyncio.Event().wait()
        telling.cancel()


if __name__ == "__main__":
    asyncio.run(
        serve(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 10**9)
    )
