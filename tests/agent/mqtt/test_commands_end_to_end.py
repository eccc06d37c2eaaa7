# SPDX-License-Identifier: Apache-2.0
"""Commands as people send them, with mosquitto_pub, down to the board."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from agent.mqtt.desk import MAX_RUNNING, CommandDesk
from agent.mqtt.message import Incoming, Outgoing
from agent.mqtt.properties import told
from agent.mqtt.retry import Version
from agent.power.request import Action
from tests.agent.mqtt.boards import MemoryBoard
from tests.agent.mqtt.brokers import HOST, PATIENCE_S, Watcher, eventually
from tests.agent.mqtt.faces import BASE, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.mqtt.brokers import Mosquitto

SET = f"{BASE}/host/0/set"


def results(watcher: Watcher, topic: str = "host/0/result") -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in watcher.payloads(topic)]


@pytest.mark.parametrize("version", Version)
def test_words_and_json_act_and_are_answered(mosquitto: Mosquitto, watcher: Watcher, version: Version) -> None:
    async def run() -> None:
        async with running(mosquitto.url, first_version=version) as agent:
            await agent.taking_commands()
            for payload in ("on", "OFF", "force_off", '{"action": "cycle", "transaction": "t-9", "force": true}'):
                await asyncio.to_thread(mosquitto.publish, SET, payload)
                await asyncio.to_thread(mosquitto.publish, f"{BASE}/redundancy/set", '{"ranks": [2, 1], "id": 4}')
            await eventually(lambda: len(results(watcher)) == 4)
            assert [(request.action, request.force) for request in agent.board.requests] == [
                (Action.ON, False),
                (Action.SOFT_OFF, False),
                (Action.FORCE_OFF, False),
                (Action.CYCLE, True),
            ]
            assert {request.origin for request in agent.board.requests} == {"mqtt"}
            done = {"ok": True, "verdict": "done", "reason": ""}
            assert results(watcher) == [*[{**done, "transaction": None}] * 3, {**done, "transaction": "t-9"}]
            assert agent.board.changes == [{"ranks": [2, 1]}]  # the id was the same four times
            await eventually(lambda: len(results(watcher, "redundancy/result")) == 4)
            assert agent.face.status().refused_commands_by_reason == {"duplicate": 3}
            assert not any(seen.retained for seen in watcher.on("result"))

    asyncio.run(run())


def test_a_retained_command_never_acts(mosquitto: Mosquitto, watcher: Watcher) -> None:
    """Neither when it waits in the broker as the agent connects, nor when it is published retained later (5.0)."""

    async def run() -> None:
        await asyncio.to_thread(mosquitto.publish, SET, "ON", "-r")
        async with running(mosquitto.url) as agent:
            await eventually(lambda: agent.face.status().refused_commands == 1)
            await agent.taking_commands()
            await asyncio.to_thread(mosquitto.publish, SET, "FORCE_OFF", "-r")
            await eventually(lambda: agent.face.status().refused_commands == 2)
            await eventually(lambda: len(results(watcher)) == 2)
            assert {result["verdict"] for result in results(watcher)} == {"retained"}
            assert agent.board.requests == []

    asyncio.run(run())


def test_nothing_waits_in_the_broker_while_the_agent_is_away(mosquitto: Mosquitto) -> None:
    async def run() -> None:
        async with running(mosquitto.url) as agent:
            await agent.taking_commands()
        await asyncio.to_thread(mosquitto.publish, SET, "ON", "-q", "1")
        async with running(mosquitto.url) as agent:
            await agent.taking_commands()
            assert agent.board.requests == []
            assert agent.face.status().refused_commands == 0

    asyncio.run(run())


def test_the_first_second_needs_proof(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url) as agent:
            desk = agent.face._desk
            await eventually(lambda: desk.admission._open_from_s is not None)
            desk._monotonic_s = lambda: (desk.admission._open_from_s or 0) - 0.001  # however slow this machine is
            sender = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
            sender.connect(HOST, mosquitto.port)
            sender.publish(SET, "RESET", qos=1)
            sender.publish(SET, json.dumps({"action": "cycle", "issued_at": time.time()}), qos=1)
            sender.publish(SET, json.dumps({"action": "nmi", "issued_at": time.time() - 60}), qos=1)
            await asyncio.to_thread(_work, sender, lambda: len(results(watcher)) == 3)
            sender.disconnect()
            await eventually(lambda: len(results(watcher)) == 3)
            assert {result["verdict"] for result in results(watcher)} == {"too-early", "expired", "done"}
            assert [request.action for request in agent.board.requests] == [Action.CYCLE]

    asyncio.run(run())


def _work(client: Client, until: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not until() and time.monotonic() < until_s:
        client.loop(0.05)


def test_response_topic_and_correlation_data(mosquitto: Mosquitto) -> None:
    replies = Watcher(mosquitto.port, "replies", "replies/#")

    async def run() -> None:
        async with running(mosquitto.url) as agent:
            await agent.taking_commands()
            for topic in ("replies/me", f"{BASE}/status", "$SYS/x"):
                options = ("-V", "5", "-D", "publish", "response-topic", topic)
                correlation = ("-D", "publish", "correlation-data", "c-1")
                await asyncio.to_thread(mosquitto.publish, SET, "ON", *options, *correlation)
            await eventually(lambda: len(agent.board.requests) == 3)
            await eventually(lambda: replies.seen)
            await eventually(lambda: agent.face._publisher.idle)
            assert [seen.topic for seen in replies.seen] == ["replies/me"]
            assert json.loads(replies.seen[0].payload)["ok"]
            assert told(replies.seen[0].properties)["CorrelationData"] == b"c-1"
            assert agent.face.status().connected

    asyncio.run(run())
    replies.close()


def test_unknown_host_and_a_failing_board_are_answered(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url) as agent:
            await agent.taking_commands()
            await asyncio.to_thread(mosquitto.publish, f"{BASE}/host/9/set", "ON")
            await eventually(lambda: results(watcher, "host/9/result"))
            assert results(watcher, "host/9/result")[0]["verdict"] == "unknown-host"
            agent.board.broken = RuntimeError("a fault of the board")
            await asyncio.to_thread(mosquitto.publish, SET, "ON")
            await eventually(lambda: results(watcher))
            assert results(watcher)[0]["verdict"] == "failed"
            assert "a fault of the board" in results(watcher)[0]["reason"]

    asyncio.run(run())


def test_a_slow_command_blocks_nothing_and_their_number_is_bounded(mosquitto: Mosquitto, watcher: Watcher) -> None:
    async def run() -> None:
        async with running(mosquitto.url, telemetry_interval_s=0.05) as agent:
            await agent.taking_commands()
            agent.board.slow = asyncio.Event()
            sender = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
            sender.connect(HOST, mosquitto.port)
            for _ in range(MAX_RUNNING + 3):
                sender.publish(SET, "ON", qos=0)
            await asyncio.to_thread(_work, sender, lambda: len(results(watcher)) == 3)
            sender.disconnect()
            await eventually(lambda: len(results(watcher)) == 3)
            assert {result["verdict"] for result in results(watcher)} == {"too-many"}
            before = len(watcher.on("telemetry"))
            await eventually(lambda: len(watcher.on("telemetry")) > before)
            agent.board.slow.set()
            await eventually(lambda: len(results(watcher)) == MAX_RUNNING + 3)

    asyncio.run(run())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            Incoming,
            topic=st.sampled_from(["host/0/set", "host/9/set", "redundancy/set", "host/a b/set", "x"])
            | st.text(max_size=20),
            payload=st.binary(max_size=50) | st.sampled_from([b"ON", b'{"action":"on","id":1}']),
            retained=st.booleans(),
            duplicate=st.booleans(),
            expiry_s=st.none() | st.integers(0, 2**32 - 1),
            response_topic=st.text(max_size=20),
            correlation=st.none() | st.binary(max_size=10),
        ),
        max_size=20,
    )
)
def test_whatever_arrives_is_counted_and_harmless(messages: list[Incoming]) -> None:
    async def run() -> None:
        board = MemoryBoard()
        answers: list[Outgoing] = []
        desk = CommandDesk(BASE, board, answers.append, lambda: None, lambda: 100.0)
        desk.admission.subscribed(0.0)
        for message in messages:
            desk.take(message)
        await asyncio.sleep(0)
        assert desk.accepted + sum(desk.refused.values()) == len(messages)
        assert len(board.requests) + len(board.changes) == desk.accepted
        own = [answer.topic for answer in answers if answer.topic.startswith(BASE)]
        assert all(topic.endswith("/result") for topic in own)
        assert not any(answer.retain for answer in answers)
        await desk.close()

    asyncio.run(run())
