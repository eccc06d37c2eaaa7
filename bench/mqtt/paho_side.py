# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.mqtt.paho_side WORK PORT ...`: bare paho with its own thread, as its documentation shows it."""

from __future__ import annotations

import json
import sys
import threading
import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.mqtt.payload import event, telemetry

IN_FLIGHT = 20


def latency(client: Client, count: int, period_s: float) -> dict[str, object]:
    for number in range(count):
        client.publish("pgood/paho/event", event(number), qos=1)
        time.sleep(period_s)
    return {}


def throughput(client: Client, count: int, qos: int) -> dict[str, object]:
    """Until the last one is acknowledged (QoS 1) or written (QoS 0)."""
    done = threading.Event()
    settled = 0

    def on_publish(*_: object) -> None:
        nonlocal settled
        settled += 1
        if settled == count:
            done.set()

    client.on_publish = on_publish
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        client.publish("pgood/paho/telemetry", telemetry(number), qos=qos)
    done.wait()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def main(work: str, port: str, count: str, more: str) -> None:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(IN_FLIGHT)
    up = threading.Event()
    client.on_connect = lambda *_: up.set()
    client.connect("127.0.0.1", int(port))
    client.loop_start()
    up.wait()
    time.sleep(0.5)
    if work == "latency":
        result = latency(client, int(count), float(more))
    else:
        result = throughput(client, int(count), int(more))
    time.sleep(0.2)
    client.disconnect()
    client.loop_stop()
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
