# SPDX-License-Identifier: Apache-2.0
"""A process that wants one lease all the time and tells when it has it: `claimant.py URL NAME SECONDS`.

A line for each time that it was given or renewed: since when and until when, on the clock that all processes of a
machine share, and the revision.
"""

from __future__ import annotations

import asyncio
import sys

from agent.fleet.bus import BusError
from agent.fleet.mqtt_bus import MqttBus, boot_clock_ns
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url


async def main(url: str, name: str, ttl_s: float) -> None:
    bus = MqttBus(MqttConfig(url=parse_url(url), base="unused", client_id=name))
    bus.start()
    while True:
        try:
            lease = await bus.lease("lead", ttl_s)
        except BusError:
            lease = None
        if lease is not None:
            print(boot_clock_ns(), lease.until_ns, lease.revision, flush=True)
        await asyncio.sleep(ttl_s / 8)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
