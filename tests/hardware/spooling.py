# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.hardware.spooling write|list FOLDER`, inside the guest: an agent's spool on a disk.

`write` emits events until the power goes and prints a line `ID SEVERITY NANOSECONDS` when it is told of each: its
standard output lies on the host and survives. `list` prints the ids that a start of the agent finds, and any damage.
"""

from __future__ import annotations

import asyncio
import faulthandler
import random
import sys
import time
from functools import partial
from pathlib import Path

from agent.events.event import EventKind
from agent.mqtt.event_key import id_of
from agent.spool.record import RecordClass
from tests.agent.mqtt.spooling_agent import spooling_agent

STUCK_S = 60.0
"""A start of the agent that takes longer is stuck somewhere: say where, and fail."""
NOBODY = "mqtt://127.0.0.1:9"
CRITICAL_PART = 0.005
"""Few: each is synced at once, and hides how late the others are."""


async def write(folder: Path) -> None:
    async with spooling_agent(NOBODY, folder) as agent:
        told = agent.bus.subscribe("told")

        async def emit() -> None:
            while True:
                for _ in range(random.randrange(1, 8)):
                    critical = random.random() < CRITICAL_PART
                    kind = EventKind.HOST_POWER_LOST if critical else EventKind.HOST_ON
                    agent.bus.emit(kind, "host/0", "0")
                await asyncio.sleep(random.uniform(0.001, 0.05))

        emitting = asyncio.create_task(emit())
        while not emitting.done():
            event = await told.get()
            print(event.id, event.severity.value, time.monotonic_ns(), flush=True)


async def found(folder: Path) -> None:
    async with spooling_agent(NOBODY, folder) as agent:
        spool = agent.spooling._spool
        run = agent.spooling._database.run
        reached = 0
        while batch := await run(partial(spool.read, RecordClass.EVENT, reached, 1000)):
            for record in batch:
                print(id_of(record.key))
            reached = batch[-1].key
        print("damage:", spool.state.damage or "none")


if __name__ == "__main__":
    if sys.argv[1] == "list":
        faulthandler.dump_traceback_later(STUCK_S, exit=True)
    asyncio.run((write if sys.argv[1] == "write" else found)(Path(sys.argv[2])))
