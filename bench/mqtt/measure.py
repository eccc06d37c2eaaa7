# SPDX-License-Identifier: Apache-2.0
"""One round: every measurement once, ours and bare paho's in turns, over one mosquitto."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.spool.record import RecordClass, SpoolRecord
from agent.spool.spool import Spool, SpoolLimits
from bench.mqtt.agent_side import GIGABYTE
from bench.mqtt.device import bytes_per_record
from bench.mqtt.payload import event

if TYPE_CHECKING:
    from pathlib import Path

    from paho.mqtt.client import MQTTMessage

EVENTS = 300
PERIOD_S = 0.005
MESSAGES = 10_000
DRAINED = 10_000
SPOOLED = 1_000_000
LIMIT_S = 300.0


@dataclass(frozen=True)
class Sample:
    """One round. Latencies are quantiles over the round's events."""

    pgood_p50_ms: float
    pgood_p99_ms: float
    paho_p50_ms: float
    paho_p99_ms: float
    pgood_qos0_per_s: float
    paho_qos0_per_s: float
    pgood_qos1_per_s: float
    paho_qos1_per_s: float
    pgood_qos0_cpu_us: float
    paho_qos0_cpu_us: float
    pgood_qos1_cpu_us: float
    paho_qos1_cpu_us: float
    rss_few_mb: float
    rss_many_mb: float
    drain_per_s: float
    device_bytes_per_record: float | None


def measure_round(number: int, port: int, few: Path, many: Path) -> Sample:
    """`few` and `many` are folders with a spool; each round drains the next part of both."""
    sides = ["agent_side", "paho_side"] if number % 2 == 0 else ["paho_side", "agent_side"]
    latencies = {side: _latencies(side, port) for side in sides}
    rates: dict[tuple[str, int], tuple[float, float]] = {}
    for qos in (0, 1):
        for side in sides:
            done = _work(side, "throughput", port, MESSAGES, qos)
            rates[side, qos] = MESSAGES / done["wall_s"], done["cpu_s"] / MESSAGES * 1e6
    drains = {
        name: _work("agent_side", "drain", port, DRAINED, folder) for name, folder in (("few", few), ("many", many))
    }
    (pgood_p50_ms, pgood_p99_ms), (paho_p50_ms, paho_p99_ms) = latencies["agent_side"], latencies["paho_side"]
    return Sample(
        pgood_p50_ms=pgood_p50_ms,
        pgood_p99_ms=pgood_p99_ms,
        paho_p50_ms=paho_p50_ms,
        paho_p99_ms=paho_p99_ms,
        pgood_qos0_per_s=rates["agent_side", 0][0],
        paho_qos0_per_s=rates["paho_side", 0][0],
        pgood_qos1_per_s=rates["agent_side", 1][0],
        paho_qos1_per_s=rates["paho_side", 1][0],
        pgood_qos0_cpu_us=rates["agent_side", 0][1],
        paho_qos0_cpu_us=rates["paho_side", 0][1],
        pgood_qos1_cpu_us=rates["agent_side", 1][1],
        paho_qos1_cpu_us=rates["paho_side", 1][1],
        rss_few_mb=drains["few"]["peak_mb"],
        rss_many_mb=drains["many"]["peak_mb"],
        drain_per_s=drains["many"]["drain_per_s"],
        device_bytes_per_record=bytes_per_record(),
    )


def fill(folder: Path, count: int) -> None:
    """A spool as a long outage leaves it."""
    spool = Spool(folder / "spool", time.time, SpoolLimits(max_bytes=GIGABYTE))
    payload = event(0)
    for begin in range(1, count + 1, 1000):
        keys = range(10**10 + begin, 10**10 + min(begin + 1000, count + 1))
        spool.append(RecordClass.EVENT, [SpoolRecord(key, 0, "event", payload) for key in keys])
    spool.acknowledge(RecordClass.EVENT, 1)
    spool.close()


def _latencies(side: str, port: int) -> tuple[float, float]:
    """Median and 99th percentile, in ms, from the event to a subscriber that is this process."""
    found: list[float] = []

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        now_ns = time.monotonic_ns()
        if message.topic.endswith("/event"):
            found.append((now_ns - json.loads(message.payload)["mono_ns"]) / 1e6)

    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda client, *_: client.subscribe("pgood/#", 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    subscribed.wait()
    try:
        _work(side, "latency", port, EVENTS, PERIOD_S)
    finally:
        client.disconnect()
        client.loop_stop()
    if len(found) != EVENTS:
        raise RuntimeError(f"{side}: {len(found)} of {EVENTS} events came")
    cuts = statistics.quantiles(found, n=100, method="inclusive")
    return cuts[49], cuts[98]


def _work(side: str, *arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", f"bench.mqtt.{side}", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        killer = threading.Timer(LIMIT_S, process.kill)
        killer.start()
        try:
            assert process.stdout is not None
            printed = process.stdout.read()
        finally:
            killer.cancel()
        if process.wait() != 0:
            raise RuntimeError(f"{' '.join(command)} failed")
    result: dict[str, float] = json.loads(printed.splitlines()[-1])
    return result
