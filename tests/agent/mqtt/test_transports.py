# SPDX-License-Identifier: Apache-2.0
"""Websockets and unix sockets against a real mosquitto; client certificates, pinned names and ALPN."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from agent.events.event import EventKind
from agent.mqtt.config import mqtt_config
from agent.power.request import Action
from agent.profile.site import SiteMqtt
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually, reserved_port
from tests.agent.mqtt.certificates import certificate
from tests.agent.mqtt.faces import BASE, running
from tests.agent.mqtt.relay import Relay
from tests.agent.mqtt.test_tls import DAY

if TYPE_CHECKING:
    from pathlib import Path

MANY = 300


async def works(url: str, mosquitto: Mosquitto, **changes: object) -> None:
    """Events out in order, a command in."""
    watcher = Watcher(mosquitto.port)
    async with running(url, **changes) as agent:
        await agent.taking_commands()
        for _ in range(MANY):
            agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
        await eventually(lambda: len(watcher.on("event")) >= MANY)
        ids = [json.loads(payload)["id"] for payload in watcher.payloads("event")]
        assert ids == sorted(set(ids))
        await asyncio.to_thread(mosquitto.publish, f"{BASE}/host/0/set", "ON")
        await eventually(lambda: agent.board.requests)
        assert agent.board.requests[0].action is Action.ON
        assert agent.face.status().protocol == "5.0"
    watcher.close()


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", f"listener 0 {path}"])
    mosquitto.start()
    try:
        asyncio.run(works(f"unix://{path}", mosquitto))
    finally:
        mosquitto.kill()


def with_websockets(folder: Path, *extra: str) -> tuple[Mosquitto, int]:
    with reserved_port() as place:
        port = int(place.getsockname()[1])
        lines = ["allow_anonymous true", f"listener {port} 127.0.0.1", "protocol websockets", *extra]
        mosquitto = Mosquitto(folder, lines)
        mosquitto.start()
    return mosquitto, port


def test_websockets_whole_and_split(tmp_path: Path) -> None:
    mosquitto, port = with_websockets(tmp_path)

    async def split() -> None:
        with Relay(port, piece_bytes=5, delay_s=0.0002) as wire:
            async with running(f"ws://127.0.0.1:{wire.port}") as agent:
                await agent.taking_commands()
                await asyncio.to_thread(mosquitto.publish, f"{BASE}/host/0/set", "ON")
                await eventually(lambda: agent.board.requests)

    try:
        asyncio.run(works(f"ws://127.0.0.1:{port}/mqtt", mosquitto))
        asyncio.run(split())
    finally:
        mosquitto.kill()


def test_websockets_over_tls(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    trusted, key = certificate(tmp_path, "localhost", now - DAY, now + DAY)
    mosquitto, port = with_websockets(tmp_path, f"certfile {trusted}", f"keyfile {key}")
    try:
        asyncio.run(works(f"wss://localhost:{port}", mosquitto, ca_file=str(trusted)))
    finally:
        mosquitto.kill()


def test_a_web_server_that_is_no_broker(tmp_path: Path) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_not_found, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running(f"ws://127.0.0.1:{port}") as agent:
            await eventually(lambda: agent.face.status().last_error)
            assert not agent.face.status().connected
        server.close()

    asyncio.run(run())


async def _not_found(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    writer.close()


def test_a_broker_that_asks_for_a_certificate(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    mine = tmp_path / "mine"
    mine.mkdir()
    own, own_key = certificate(mine, "board", now - DAY, now + DAY)
    theirs, their_key = certificate(tmp_path, "broker.internal", now - DAY, now + DAY)
    tls = [f"certfile {theirs}", f"keyfile {their_key}", f"cafile {own}", "require_certificate true"]
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", *tls])
    mosquitto.start(probe=False)
    url = f"mqtts://localhost:{mosquitto.port}"

    async def run() -> None:
        async with running(url, ca_file=str(theirs), server_name="broker.internal") as agent:
            await eventually(lambda: agent.face.status().last_error)
            assert not agent.face.status().connected
        known = {"ca_file": str(theirs), "cert_file": str(own), "key_file": str(own_key)}
        async with running(url, server_name="broker.internal", **known) as agent:
            await agent.connected()
        async with running(url, server_name="other.internal", **known) as agent:
            await eventually(lambda: "not trusted" in agent.face.status().last_error)

    try:
        asyncio.run(run())
    finally:
        mosquitto.kill()


def test_alpn_and_the_pinned_name_are_told_to_the_broker(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    trusted, key = certificate(tmp_path, "pinned.example", now - DAY, now + DAY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, key)
    context.set_alpn_protocols(["x-mqtt"])
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    chosen: list[str | None] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, context.wrap_socket(connection, server_side=True) as tls:
            chosen.append(tls.selected_alpn_protocol())

    thread = threading.Thread(target=serve)
    thread.start()

    async def run() -> None:
        url = f"mqtts://127.0.0.1:{listener.getsockname()[1]}"
        async with running(url, ca_file=str(trusted), server_name="pinned.example", alpn=("x-mqtt",)):
            await eventually(lambda: chosen)

    try:
        asyncio.run(run())
    finally:
        thread.join(10)
        listener.close()
    assert chosen == ["x-mqtt"]
    assert names == ["pinned.example"]


def test_a_key_with_a_password_is_an_error_and_no_question(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    own, key_file = certificate(tmp_path, "board", now - DAY, now + DAY)
    key = load_pem_private_key(key_file.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    key_file.write_bytes(locked)

    async def run() -> None:
        async with running("mqtts://127.0.0.1:1", cert_file=str(own), key_file=str(key_file)) as agent:
            await eventually(lambda: agent.face.status().last_error)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("site", "told"),
    [
        (SiteMqtt(url="mqtt://h", alpn=("x",)), "mqtt.alpn is given"),
        (SiteMqtt(url="mqtt://h", server_name="n"), "mqtt.server_name is given"),
        (SiteMqtt(url="mqtts://h", key_file="/k"), "mqtt.cert_file"),
        (SiteMqtt(url="mqtts://h", cert_file="/nowhere/c.pem"), "cannot be read"),
        (SiteMqtt(url="mqtt://h", fallback_urls=("nonsense",)), "no URL"),
    ],
)
def test_what_does_not_fit_is_refused(site: SiteMqtt, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        mqtt_config(site, "b")


def test_a_key_for_everybody_is_refused(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    own, key = certificate(tmp_path, "board", now - DAY, now + DAY)
    key.chmod(0o644)
    with pytest.raises(ValueError, match=r"chmod o-rw"):
        mqtt_config(SiteMqtt(url="mqtts://h", cert_file=str(own), key_file=str(key)), "b")


def test_commands_need_every_broker_to_be_ours() -> None:
    made = mqtt_config(SiteMqtt(url="mqtt://127.0.0.1", fallback_urls=("mqtt://far.example",)), "b")
    assert made is not None
    assert not made.commands
    made = mqtt_config(SiteMqtt(url="unix:///run/broker", fallback_urls=("mqtts://far.example",)), "b")
    assert made is not None
    assert made.commands
