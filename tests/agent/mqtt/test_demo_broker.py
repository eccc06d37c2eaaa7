# SPDX-License-Identifier: Apache-2.0
"""The demo's broker: starts, says what is wrong, and never outlives the agent."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.demo_broker import DemoBroker, DemoBrokerError, DemoBrokerMissing, broker
from agent.demo_broker.broker import find_mosquitto, takes_connections
from tests.agent.mqtt.brokers import PATIENCE_S
from tests.agent.mqtt.faces import running

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]

KINDS = [
    pytest.param("mosquitto", marks=pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")),
    pytest.param(
        "amqtt", marks=pytest.mark.skipif(importlib.util.find_spec("amqtt") is None, reason="amqtt is not installed")
    ),
]


@pytest.fixture
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "amqtt":
        monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    return str(request.param)


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_starts_serves_and_ends(kind: str, tmp_path: Path) -> None:
    demo = DemoBroker.start(0, tmp_path)
    try:
        assert demo.name == kind
        assert demo.running

        async def run() -> str:
            async with running(f"mqtt://127.0.0.1:{demo.port}", answer_timeout_s=60.0) as agent:
                await agent.connected()
                return agent.face.status().protocol

        assert asyncio.run(run()) == ("5.0" if kind == "mosquitto" else "3.1.1")
    finally:
        demo.close()
    assert not demo.running
    assert not takes_connections(demo.port)


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_listens_on_the_loopback_interface_only(kind: str, tmp_path: Path) -> None:
    demo = DemoBroker.start(0, tmp_path)
    try:
        wanted = f"{demo.port:04X}"
        listening = [
            line.split()[1]
            for table in ("/proc/net/tcp", "/proc/net/tcp6")
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[1].endswith(":" + wanted)
        ]
        assert listening == [f"0100007F:{wanted}"]
    finally:
        demo.close()


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_ends_when_its_starter_is_killed(kind: str, tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from agent.demo_broker import DemoBroker, broker\n"
        f"if {kind == 'amqtt'}: broker.find_mosquitto = lambda: None\n"
        f"demo = DemoBroker.start(0, Path({str(tmp_path)!r}))\n"
        "print(demo.port, flush=True); time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT, env=environment)
    assert starter.stdout is not None
    port = int(starter.stdout.readline())  # which is told when connections are taken
    starter.kill()
    starter.wait()
    starter.stdout.close()
    _wait_until_gone(port)


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_mosquitto_ends_when_its_keeper_is_killed(tmp_path: Path) -> None:
    demo = DemoBroker.start(0, tmp_path)
    os.kill(demo.pid, signal.SIGKILL)
    _wait_until_gone(demo.port)
    demo.close()


def _wait_until_gone(port: int) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while takes_connections(port):
        assert time.monotonic() < until_s, "the broker outlives"
        time.sleep(0.02)


def test_a_taken_port_is_named_with_the_cure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DemoBrokerError, match=f"MQTT port {port} on 127.0.0.1.*in use.*--mqtt-port"):
            DemoBroker.start(port, tmp_path)


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")
def test_nobody_else_is_given_the_port_before_the_broker_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all free ports another program takes the broker's one as soon as it can."""
    real, taken = broker._mosquitto, list[str]()

    def late(program: str, port: int, directory: Path) -> Sequence[str]:
        with socket.socket() as other:
            try:
                other.bind((broker.HOST, port))
            except OSError as error:
                taken.append(str(error.strerror))
        return real(program, port, directory)

    monkeypatch.setattr(broker, "_mosquitto", late)
    demo = DemoBroker.start(0, tmp_path)
    assert takes_connections(demo.port)
    demo.close()
    assert taken == ["Address already in use"]


def test_no_broker_is_named_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(DemoBrokerMissing, match=r"pip install 'pgood\[demo\]', or apt install mosquitto"):
        DemoBroker.start(0, tmp_path)


def test_an_unusable_directory_and_a_broken_program_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DemoBrokerError, match="cannot be made: No such file"):
        DemoBroker.start(0, tmp_path / "absent" / "x")
    broken = tmp_path / "mosquitto"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n", encoding="ascii")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(broker, "find_mosquitto", lambda: str(broken))
    with pytest.raises(DemoBrokerError, match="mosquitto ended at once: it is broken"):
        DemoBroker.start(0, tmp_path)
