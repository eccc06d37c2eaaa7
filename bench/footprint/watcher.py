# SPDX-License-Identifier: Apache-2.0
"""What a broker retains of a board: whether the agent is connected and has announced itself."""

from __future__ import annotations

import threading

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.server import HOST

ANNOUNCED_WITHIN_S = 120.0


def wait_until_announced(port: int, board: str) -> None:
    """Return when `status` is online and Home Assistant's discovery is there. Raises RuntimeError."""
    online, described = threading.Event(), threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda client, *_: client.subscribe(
        [(f"pgood/{board}/status", 1), (f"homeassistant/device/pgood-{board}/#", 1)]
    )
    client.on_message = lambda _client, _data, message: (
        online.set() if message.payload == b"online" else described.set()
    )
    client.connect(HOST, port)
    client.loop_start()
    try:
        if not (online.wait(ANNOUNCED_WITHIN_S) and described.wait(ANNOUNCED_WITHIN_S)):
            raise RuntimeError(f"{board} did not announce itself to the broker")
    finally:
        client.disconnect()
        client.loop_stop()
