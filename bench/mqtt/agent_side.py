# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.mqtt.agent_side WORK PORT ...`: our path in a process of its own; prints one line of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.mqtt.connection import Connection
from agent.mqtt.message import Outgoing
from agent.spool.spool import SpoolLimits
from bench.mqtt.payload import telemetry
from tests.agent.mqtt.faces import config
from tests.agent.mqtt.spooling_agent import spooling_agent

if TYPE_CHECKING:
    from agent.mqtt.ending import Ending
    from agent.mqtt.link import Link
    from agent.mqtt.message import Incoming

UNSENT = 200
"""QoS 0: so many may wait for the socket."""
RATE_OFF_PER_S = 1_000_000.0
GIGABYTE = 1 << 30


async def latency(port: int, count: int, period_s: float) -> dict[str, object]:
    """Events from a bus with database, event record and spool on the disk; each carries when it happened."""
    with tempfile.TemporaryDirectory(prefix="pgood-bench-") as folder:
        async with spooling_agent(f"mqtt://127.0.0.1:{port}", Path(folder), telemetry_interval_s=60.0) as agent:
            await agent.connected()
            await asyncio.sleep(0.5)
            for _ in range(count):
                agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
                await asyncio.sleep(period_s)
            while len(agent.stream):
                await asyncio.sleep(0.01)
    return {}


async def drain(port: int, count: int, folder: Path) -> dict[str, object]:
    """The first `count` records of a spool that is there, as quickly as it goes; then how much memory that took."""
    limits = SpoolLimits(max_bytes=GIGABYTE)
    quick = {"replay_per_s": RATE_OFF_PER_S, "spool_limits": limits, "telemetry_interval_s": 60.0}
    async with spooling_agent(f"mqtt://127.0.0.1:{port}", folder, **quick) as agent:
        await agent.connected()
        began = time.perf_counter()
        first = agent.face.status().published
        while agent.face.status().published - first < count:
            await asyncio.sleep(0.005)
        wall_s = time.perf_counter() - began
        return {"drain_per_s": count / wall_s, "rss_mb": _status_mb("VmRSS:"), "peak_mb": _status_mb("VmHWM:")}


async def throughput(port: int, count: int, qos: int) -> dict[str, object]:
    """Messages of 256 bytes over one link, as many in flight as it allows, until the last one is settled."""
    pump = _Pump(count, qos, config(f"mqtt://127.0.0.1:{port}").base)
    connection = Connection(config(f"mqtt://127.0.0.1:{port}"), pump)
    connection.start()
    await pump.done.wait()
    await connection.close(1.0)
    return {"wall_s": pump.wall_s, "cpu_s": pump.cpu_s}


class _Pump:
    """Implements what a Connection tells its user."""

    def __init__(self, count: int, qos: int, base: str) -> None:
        self.done = asyncio.Event()
        self.wall_s = self.cpu_s = 0.0
        self._count = count
        self._qos = qos
        self._topic = f"{base}/telemetry"
        self._sent = self._settled = 0
        self._began = (0.0, 0.0)

    def link_up(self, link: Link) -> None:
        self._link = link
        self._room = link.window if self._qos else UNSENT
        self._began = time.perf_counter(), time.process_time()
        self._fill()

    def link_down(self, ending: Ending) -> None:
        if not self.done.is_set():
            raise SystemExit(f"the link ended: {ending}")

    def received(self, message: Incoming) -> None:
        pass

    def _fill(self) -> None:
        while self._sent < self._count and self._link.unsettled < self._room:
            self._sent += 1
            self._link.publish(Outgoing(self._topic, telemetry(self._sent), qos=self._qos), self._one_settled)

    def _one_settled(self, _code: int) -> None:
        self._settled += 1
        if self._settled == self._count:
            self.wall_s = time.perf_counter() - self._began[0]
            self.cpu_s = time.process_time() - self._began[1]
            self.done.set()
        else:
            self._fill()


def _status_mb(field: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def main(work: str, port: str, *more: str) -> None:
    if work == "latency":
        result = asyncio.run(latency(int(port), int(more[0]), float(more[1])))
    elif work == "drain":
        result = asyncio.run(drain(int(port), int(more[0]), Path(more[1])))
    else:
        result = asyncio.run(throughput(int(port), int(more[0]), int(more[1])))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
