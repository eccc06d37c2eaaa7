# SPDX-License-Identifier: Apache-2.0
"""A real mosquitto for the tests, what publishes to it, and what watches it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.demo_broker.broker import find_mosquitto, takes_connections

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from paho.mqtt.client import MQTTMessage
    from paho.mqtt.properties import Properties

HOST = "127.0.0.1"
PATIENCE_S = 30.0
"""How long a test waits for something that must come; never a measure of anything."""


def reserved_port() -> socket.socket:
    """A port of one's own: bound but not listening, so only who may reuse addresses, as mosquitto does, takes it."""
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind((HOST, 0))
    return place


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def eventually(holds: Callable[[], object], what: str = "") -> None:
    """Wait until it holds."""
    until_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until_s, f"never came: {what or holds}"
        await asyncio.sleep(0.01)


class Mosquitto:
    """One broker on one port, which can be stopped, killed, frozen and started again."""

    def __init__(self, folder: Path, extra: Sequence[str] = ("allow_anonymous true",)) -> None:
        program = find_mosquitto()
        if program is None:
            pytest.skip("mosquitto is not installed")
        if shutil.which("mosquitto_pub") is None:
            pytest.skip("mosquitto-clients is not installed")
        self._place = reserved_port()
        """Held while the broker is away as well: others look for free ports too."""
        self.port = int(self._place.getsockname()[1])
        self._config = folder / f"mosquitto-{self.port}.conf"
        user = ["user root"] if os.geteuid() == 0 else []
        lines = [f"listener {self.port} {HOST}", "persistence false", "log_dest none", *user, *extra]
        self._config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def start(self, probe: bool = True) -> None:
        """`probe` = wait for an anonymous CONNECT to be accepted, else for the port only."""
        self._process = subprocess.Popen([self._program, "-c", str(self._config)])
        until_s = time.monotonic() + PATIENCE_S
        while not (takes_connections(self.port) if probe else _listens(self.port)):
            assert self._process.poll() is None, "mosquitto ended at once"
            assert time.monotonic() < until_s, "mosquitto does not start"
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def publish(self, topic: str, payload: str | bytes, *options: str) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        subprocess.run(
            ["mosquitto_pub", "-h", HOST, "-p", str(self.port), "-t", topic, "-s", *options],
            input=data,
            check=True,
            timeout=PATIENCE_S,
        )


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


@dataclass(frozen=True)
class Seen:
    topic: str
    payload: bytes
    retained: bool
    qos: int
    properties: Properties | None = None


class Watcher:
    """A client that collects everything below `pgood/`; comes back when the broker does."""

    def __init__(self, port: int, name: str = "watcher", topic: str = "pgood/#", user: str = "") -> None:
        self.seen: list[Seen] = []
        self._ready = threading.Event()
        self._topic = topic
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        if user:
            self._client.username_pw_set(user)
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect(HOST, port, keepalive=3600)  # a frozen broker must not end the subscription
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S), "the watcher was not subscribed"

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.seen.append(Seen(message.topic, bytes(message.payload), message.retain, message.qos, message.properties))

    def on(self, end: str) -> list[Seen]:
        """What was seen on topics that end so."""
        return [seen for seen in self.seen if seen.topic.endswith("/" + end)]

    def payloads(self, end: str) -> list[bytes]:
        return [seen.payload for seen in self.on(end)]

    def has_all(self) -> None:
        """Wait for everything that the broker had for it: a message to itself comes behind that."""
        topic, arrived = f"watchers/{uuid.uuid4()}", threading.Event()
        self._client.message_callback_add(topic, lambda *_: arrived.set())
        self._client.subscribe(topic, 1)
        self._client.publish(topic, b"", 1)
        assert arrived.wait(PATIENCE_S), "the watcher's own message did not come"
        self._client.message_callback_remove(topic)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def retained(port: int) -> dict[str, bytes]:
    """What the broker retains below `pgood/`, as a new subscriber sees it."""
    watcher = Watcher(port, "newcomer")
    watcher.has_all()
    watcher.close()
    return {seen.topic: seen.payload for seen in watcher.seen if seen.retained}
