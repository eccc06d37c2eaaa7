# SPDX-License-Identifier: Apache-2.0
"""TLS against a real mosquitto: trust, names, and dates."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.events.event import EventKind
from tests.agent.mqtt.brokers import Mosquitto, eventually
from tests.agent.mqtt.certificates import certificate
from tests.agent.mqtt.faces import running

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)


def broker(folder: Path, name: str = "localhost", begins: timedelta = -DAY, ends: timedelta = DAY) -> Mosquitto:
    now = datetime.now(UTC)
    trusted, key = certificate(folder, name, now + begins, now + ends)
    mosquitto = Mosquitto(folder, ["allow_anonymous true", f"certfile {trusted}", f"keyfile {key}"])
    mosquitto.start(probe=False)
    return mosquitto


def test_a_trusted_broker(tmp_path: Path) -> None:
    mosquitto = broker(tmp_path)

    async def run() -> None:
        url = f"mqtts://localhost:{mosquitto.port}"
        async with running(url, ca_file=str(tmp_path / "broker.pem")) as agent:
            await agent.connected()
            assert agent.face.status().protocol == "5.0"
            for _ in range(500):  # many acknowledgements in one TLS record: none may stay unread
                agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
            await agent.bus.drain()
            await eventually(lambda: agent.face.status().waiting_events == 0)

    try:
        asyncio.run(run())
    finally:
        mosquitto.kill()


@pytest.mark.parametrize(
    ("name", "begins", "ends", "trusted", "told"),
    [
        ("localhost", -DAY, DAY, False, "mqtt.ca_file"),
        ("other.example", -DAY, DAY, True, "certificate is not trusted"),
        ("localhost", -3 * DAY, -DAY, True, "clock is wrong"),
        ("localhost", DAY, 3 * DAY, True, "clock is wrong"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told(
    tmp_path: Path, name: str, begins: timedelta, ends: timedelta, trusted: bool, told: str
) -> None:
    mosquitto = broker(tmp_path, name, begins, ends)

    async def run() -> None:
        url = f"mqtts://localhost:{mosquitto.port}"
        async with running(url, ca_file=str(tmp_path / "broker.pem") if trusted else "") as agent:
            await eventually(lambda: agent.face.status().last_error)
            assert told in agent.face.status().last_error

    try:
        asyncio.run(run())
    finally:
        mosquitto.kill()


def test_tls_to_a_broker_without(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    mosquitto.start()

    async def run() -> None:
        async with running(f"mqtts://localhost:{mosquitto.port}") as agent:
            await eventually(lambda: agent.face.status().last_error)
            assert not agent.face.status().connected

    try:
        asyncio.run(run())
    finally:
        mosquitto.kill()
