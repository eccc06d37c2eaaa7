# SPDX-License-Identifier: Apache-2.0
"""The whole face against a real mosquitto: what is published, through outages of the broker and ends of the agent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from agent.events.event import EventKind
from agent.mqtt.face import FAREWELL_S, FLUSH_S, GOODBYE_S
from agent.mqtt.retry import Version
from tests.agent.mqtt.brokers import PATIENCE_S, Mosquitto, Watcher, eventually, retained
from tests.agent.mqtt.faces import BASE, running
from tests.agent.mqtt.relay import Relay

ROOT = Path(__file__).parents[3]


def ids(watcher: Watcher) -> list[str]:
    return [json.loads(payload)["id"] for payload in watcher.payloads("event")]


DOCUMENTS = {
    f"{BASE}/status": b"online",
    f"{BASE}/info": b'{"board":"bench-1234","version":"1"}',
    f"{BASE}/host/0/state": b'{"state":"off","powered":false}',
    f"{BASE}/psu/1/state": b'{"health":"ok"}',
    f"{BASE}/redundancy/state": b'{"enabled":true}',
    f"{BASE}/policies/state": b'{"restore":"off"}',
}


@pytest.mark.parametrize("version", Version)
def test_everything_is_retained_and_the_last_word_is_offline(mosquitto: Mosquitto, version: Version) -> None:
    async def run() -> None:
        async with running(mosquitto.url, first_version=version) as agent:
            await agent.connected()
            await eventually(lambda: agent.face._publisher.idle)
            assert await asyncio.to_thread(retained, mosquitto.port) == DOCUMENTS
            assert agent.face.status().protocol == version.value
        assert (await asyncio.to_thread(retained, mosquitto.port))[f"{BASE}/status"] == b"offline"

    asyncio.run(run())


def test_availability_comes_first_then_documents_on_change(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url) as agent:
            await eventually(lambda: len(watcher.on("state")) == 4)
            assert watcher.seen[0].topic == f"{BASE}/status"
            agent.board.tell("host/0")  # nothing changed: nothing is published
            agent.board.powered = True
            agent.board.tell("host/0")
            agent.board.tell("psu/1")
            await eventually(lambda: len(watcher.on("host/0/state")) == 2)
            assert json.loads(watcher.payloads("host/0/state")[1])["state"] == "on"
            assert len(watcher.on("psu/1/state")) == 1

    asyncio.run(run())


def test_telemetry_in_json_and_msgpack(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url, telemetry_interval_s=0.1) as agent:
            await eventually(lambda: len(watcher.on("telemetry/msgpack")) >= 3)
            first, second = (json.loads(payload) for payload in watcher.payloads("telemetry")[:2])
            assert first["supplies"] == agent.board.readings["supplies"]
            assert second["seq"] == first["seq"] + 1
            assert msgspec.msgpack.decode(watcher.payloads("telemetry/msgpack")[0]) == first
            assert not any(seen.retained for seen in watcher.on("telemetry"))

    asyncio.run(run())


def test_events_in_order_across_an_outage(mosquitto: Mosquitto, watcher: Watcher) -> None:
    """The broker is killed; events of before, during and after come in order, and states are retained again."""

    async def run() -> None:
        with Relay(mosquitto.port) as wire:
            async with running(wire.url) as agent:
                await agent.connected()
                before = [agent.bus.emit(EventKind.HOST_ON, "host/0", "0").id for _ in range(30)]
                await eventually(lambda: len(watcher.on("event")) == 30 and not agent.face.status().waiting_events)
                wire.cut()
                mosquitto.kill()
                await eventually(lambda: not agent.face.status().connected)
                during = [agent.bus.emit(EventKind.HOST_OFF, "host/0", "0").id for _ in range(300)]
                agent.board.powered = True
                agent.board.tell("host/0")
                await eventually(lambda: agent.face.status().waiting_events == 300)
                await asyncio.to_thread(mosquitto.start)
                newcomer = await asyncio.to_thread(Watcher, mosquitto.port, "newcomer")
                wire.mend()
                await agent.connected()
                after = agent.bus.emit(EventKind.HOST_ON, "host/0", "0").id
                await eventually(lambda: agent.face.status().waiting_events == 0)
                await eventually(lambda: len(newcomer.on("event")) == 301)
                newcomer.close()
                assert ids(watcher)[:30] == before
                assert ids(newcomer) == [*during, after]
                assert newcomer.payloads("host/0/state") == [b'{"state":"on","powered":true}']
                first_event = newcomer.seen.index(newcomer.on("event")[0])
                assert {seen.topic for seen in newcomer.seen[:first_event]} >= set(DOCUMENTS)
                status = agent.face.status()
                assert (status.reconnects, status.dropped_events) == (1, 0)
                assert status.last_error

    asyncio.run(run())


def test_states_come_back_after_a_broker_restart(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        async with running(mosquitto.url) as agent:
            for _ in range(2):
                await agent.connected()
                mosquitto.kill()
                await eventually(lambda: not agent.face.status().connected)
                await asyncio.to_thread(mosquitto.start)
            await agent.connected()
            await eventually(lambda: agent.face._publisher.idle)
            assert await asyncio.to_thread(retained, mosquitto.port) == DOCUMENTS

    asyncio.run(run())


def test_a_slow_wire_that_splits_packets(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        with Relay(mosquitto.port, piece_bytes=7, delay_s=0.0005) as wire:
            async with running(wire.url) as agent:
                await agent.connected()
                emitted = [agent.bus.emit(EventKind.HOST_ON, "host/0", "0").id for _ in range(20)]
                await eventually(lambda: len(watcher.on("event")) == 20)
                assert ids(watcher) == emitted
            assert watcher.payloads("status")[0] == b"online"
        await eventually(lambda: watcher.payloads("status")[-1] == b"offline")

    asyncio.run(run())


def test_a_frozen_broker_loses_nothing(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url, keepalive_s=1, answer_timeout_s=0.5) as agent:
            await agent.connected()
            mosquitto.signal(signal.SIGSTOP)
            try:
                emitted = [agent.bus.emit(EventKind.HOST_ON, "host/0", "0").id for _ in range(200)]
                beats = 0
                async with asyncio.timeout(PATIENCE_S):
                    while agent.face.status().connected:
                        await asyncio.sleep(0.01)
                        beats += 1
                assert beats > 10
                assert agent.face.status().waiting_events == 200
            finally:
                mosquitto.signal(signal.SIGCONT)
            await eventually(lambda: agent.face.status().waiting_events == 0)
            await eventually(lambda: set(ids(watcher)) == set(emitted))
            assert list(dict.fromkeys(ids(watcher))) == emitted  # in order; once more is allowed, it has the same id

    asyncio.run(run())


def test_the_broker_tells_that_a_killed_agent_is_offline(mosquitto: Mosquitto, watcher: Watcher) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-m", "tests.agent.mqtt.serve_face", mosquitto.url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    async def run() -> None:
        try:
            await eventually(lambda: watcher.payloads("status")[-1:] == [b"online"])
        finally:
            agent.kill()
            agent.wait()
        await eventually(lambda: watcher.payloads("status")[-1:] == [b"offline"])

    asyncio.run(run())


def test_a_short_break_is_not_told_and_a_long_one_is(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        with Relay(mosquitto.port) as wire:
            async with running(wire.url, will_delay_s=60) as agent:
                await eventually(lambda: watcher.payloads("status") == [b"online"])
                wire.cut()
                wire.mend()
                await eventually(lambda: watcher.payloads("status")[1:])
                assert watcher.payloads("status") == [b"online", b"online"]
                assert agent.face.status().reconnects == 1
        with Relay(mosquitto.port) as wire:
            async with running(wire.url, will_delay_s=1):
                await eventually(lambda: len(watcher.on("status")) == 4)
                wire.cut()
                await eventually(lambda: len(watcher.on("status")) == 5)
        words = [b"online", b"online", b"offline", b"online", b"offline"]
        assert watcher.payloads("status") == words

    asyncio.run(run())


def test_a_broker_that_comes_late(tmp_path: Path) -> None:
    async def run() -> None:
        broker = Mosquitto(tmp_path)
        async with running(broker.url) as agent:
            agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
            await eventually(lambda: "Connection refused" in agent.face.status().last_error)
            assert not agent.face.status().connected
            try:
                await asyncio.to_thread(broker.start)
                await eventually(lambda: agent.face.status().connected and not agent.face.status().waiting_events)
            finally:
                broker.kill()

    asyncio.run(run())


def test_wrong_password_is_named_and_no_secret_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    passwords = tmp_path / "passwords"
    broker = Mosquitto(tmp_path, ["allow_anonymous false", f"password_file {passwords}"])
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "board", "right"], check=True)
    passwords.chmod(0o644)

    async def run() -> None:
        url = broker.url.replace("//", "//board@")
        async with running(url, password="wr0ng-s3cret") as agent:
            await eventually(lambda: agent.face.status().last_error)
            status = agent.face.status()
            assert "does not authorise" in status.last_error
            assert "wr0ng-s3cret" not in str(status) + caplog.text
        async with running(url, password="right") as agent:
            await agent.connected()

    try:
        broker.start(probe=False)
        asyncio.run(run())
    finally:
        broker.kill()


def test_a_second_agent_with_the_same_id_is_reported(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        async with running(mosquitto.url) as first:
            await first.connected()
            async with running(mosquitto.url) as second:
                second.board.version = "2"
                faces = (first.face, second.face)
                await eventually(lambda: any("same client id" in face.status().last_error for face in faces))
                await asyncio.sleep(0.2)
                assert sum(face.status().connected for face in faces) <= 1

    asyncio.run(run())


def test_closing_is_quick_whatever_the_broker_does(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        async with running(mosquitto.url, keepalive_s=3600) as agent:
            await agent.connected()
            mosquitto.signal(signal.SIGSTOP)
            agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
            await agent.bus.drain()
            async with asyncio.timeout(PATIENCE_S):
                await agent.face.close()  # though nothing but its own patience ends it
            mosquitto.signal(signal.SIGCONT)

    asyncio.run(run())
    assert FLUSH_S + FAREWELL_S + GOODBYE_S < 2.0


def test_a_board_that_fails_to_describe_itself_does_not_end_the_face(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url, telemetry_interval_s=0.05) as agent:
            await agent.connected()
            readings, agent.board.readings = agent.board.readings, {"broken": object()}
            await asyncio.sleep(0.2)
            agent.board.readings = readings
            count = len(watcher.on("telemetry"))
            await eventually(lambda: len(watcher.on("telemetry")) > count)

    asyncio.run(run())


def test_acl_that_forbids_events_is_reported_and_blocks_nothing(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(f"topic readwrite {BASE}/status\ntopic readwrite {BASE}/host/#\n")
    broker = Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {acl}"])

    async def run() -> None:
        async with running(broker.url) as agent:
            await agent.connected()
            agent.bus.emit(EventKind.HOST_ON, "host/0", "0")
            await eventually(lambda: agent.face.status().refused_by_broker)
            await eventually(lambda: agent.face.status().waiting_events == 0)
            assert agent.face.status().connected

    try:
        broker.start()
        asyncio.run(run())
    finally:
        broker.kill()


def test_commands_off_is_said(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with running(mosquitto.url, commands=False) as agent:
            await agent.connected()
            await asyncio.to_thread(mosquitto.publish, f"{BASE}/host/0/set", "ON")
            await asyncio.sleep(0.2)
            assert agent.board.requests == []
            assert not agent.face.status().commands

    asyncio.run(run())
    assert caplog.text.count("commands are not taken") == 1
