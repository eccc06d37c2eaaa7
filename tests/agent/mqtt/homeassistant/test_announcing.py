# SPDX-License-Identifier: Apache-2.0
"""Announcing over a real mosquitto: order, birth, what is no more."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.mqtt.face import MqttFace
from agent.mqtt.homeassistant import announcer
from agent.mqtt.homeassistant.announcer import Announcer
from agent.mqtt.inventory import SupplyItem
from agent.mqtt.retained import MemoryStore
from tests.agent.mqtt.boards import INVENTORY, MemoryBoard, new_bus
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually
from tests.agent.mqtt.faces import BASE, config, running
from tests.agent.mqtt.homeassistant.assistant import Assistant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import pytest

    from agent.mqtt.message import Incoming

NODE = "homeassistant/device/pgood-bench-1234"
DEVICES = [f"{NODE}/{device}/config" for device in ("board", "host_0", "psu_1", "psu_2")]


@contextlib.contextmanager
def assisted(mosquitto: Mosquitto) -> Iterator[Assistant]:
    assistant = Assistant(mosquitto.port)
    try:
        yield assistant
    finally:
        assistant.close()


@contextlib.asynccontextmanager
async def board_with_memory(
    mosquitto: Mosquitto, store: MemoryStore, board: MemoryBoard, **changes: object
) -> AsyncIterator[MqttFace]:
    bus = new_bus()
    face = MqttFace(config(mosquitto.url, **changes), board, bus, store=store)
    await face.prepare()
    face.start()
    try:
        await eventually(lambda: face.status().connected, "a connection")
        yield face
    finally:
        await face.close()
        await bus.close()


def test_availability_then_discovery_then_state_on_every_connection(mosquitto: Mosquitto) -> None:
    watcher = Watcher(mosquitto.port, topic="#")

    async def test() -> None:
        for _ in range(2):
            watcher.seen.clear()
            async with running(mosquitto.url):
                await eventually(lambda: watcher.on("policies/state"))
            await eventually(lambda: watcher.payloads("status")[-1] == b"offline")  # nothing comes after it
            topics = [seen.topic for seen in watcher.seen]
            states = [f"{BASE}/{end}" for end in ("info", "host/0/state", "psu/1/state", "redundancy/state")]
            expected = [f"{BASE}/status", *DEVICES, *states, f"{BASE}/policies/state"]
            assert [topic for topic in topics if topic in expected][: len(expected)] == expected

    asyncio.run(test())
    assert {seen.qos for seen in watcher.seen if seen.topic in DEVICES} == {1}
    watcher.close()
    late = Watcher(mosquitto.port, "late", "homeassistant/#")
    asyncio.run(eventually(lambda: len(late.seen) >= 4))
    assert all(seen.retained for seen in late.seen)
    late.close()


def test_birth_is_answered_with_everything(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer, "BIRTH_DELAY_S", (0.05, 0.1))
    births: list[bytes] = []
    hear, introduce = Announcer.received, Announcer._introduce

    def heard(self: Announcer, message: Incoming) -> None:
        births.append(message.payload)
        hear(self, message)

    def after_three_births(self: Announcer) -> None:
        """The moment of its own is not over before: three processes may take longer than it lasts."""
        if len(births) < 3:
            asyncio.get_running_loop().call_later(0.01, after_three_births, self)
        else:
            introduce(self)

    monkeypatch.setattr(Announcer, "received", heard)
    monkeypatch.setattr(Announcer, "_introduce", after_three_births)

    async def test(assistant: Assistant) -> None:
        async with running(mosquitto.url):
            await eventually(lambda: assistant.newest(f"{BASE}/policies/state"))
            seen = assistant.watcher.seen
            seen.clear()
            for _ in range(3):  # an impatient one is answered once
                await asyncio.to_thread(assistant.birth)
            await eventually(lambda: assistant.newest(f"{BASE}/policies/state"))
            topics = [one.topic for one in seen if not one.topic.endswith("telemetry") and "msgpack" not in one.topic]
            answers = [topic for topic in topics if topic != "homeassistant/status"]
            assert answers[: len(DEVICES) + 2] == [*DEVICES, f"{BASE}/status", f"{BASE}/info"]
            assert answers.count(DEVICES[0]) == 1
            seen.clear()
            await asyncio.to_thread(assistant.birth, "offline")
            await asyncio.sleep(0.3)
            assert not assistant.payloads()

    with assisted(mosquitto) as assistant:
        asyncio.run(test(assistant))


def test_a_removed_supply_leaves_nothing_behind(mosquitto: Mosquitto) -> None:
    store = MemoryStore()

    async def first() -> None:
        async with board_with_memory(mosquitto, store, MemoryBoard()):
            await eventually(lambda: DEVICES[3] in assistant.payloads())

    async def second() -> None:
        board = MemoryBoard()
        board.parts = replace(INVENTORY, supplies=INVENTORY.supplies[:1])
        async with board_with_memory(mosquitto, store, board):
            await eventually(lambda: assistant.cleared() == [DEVICES[3]])
            await eventually(lambda: DEVICES[3] not in dict(store.get("mqtt.retained") or {}))  # type: ignore[call-overload]

    with assisted(mosquitto) as assistant:
        asyncio.run(first())
        asyncio.run(second())
    late = Watcher(mosquitto.port, "late", "homeassistant/#")
    asyncio.run(eventually(lambda: len(late.seen) >= 3))
    assert {seen.topic for seen in late.seen} == set(DEVICES[:3])
    late.close()


def test_switched_off_takes_everything_back(mosquitto: Mosquitto) -> None:
    store = MemoryStore()

    async def once(prefix: str, cleared: list[str]) -> None:
        async with board_with_memory(mosquitto, store, MemoryBoard(), discovery_prefix=prefix):
            await eventually(lambda: sorted(assistant.cleared()) == cleared)
            await eventually(lambda: assistant.newest(f"{BASE}/policies/state"))

    with assisted(mosquitto) as assistant:
        asyncio.run(once("homeassistant", []))
        assert len(assistant.payloads()) == 4
        asyncio.run(once("", sorted(DEVICES)))
        assert not assistant.payloads()


def test_another_supply_in_the_slot_is_another_device(mosquitto: Mosquitto) -> None:
    async def test(assistant: Assistant) -> None:
        async with running(mosquitto.url) as agent:
            await eventually(lambda: DEVICES[2] in assistant.payloads())
            assert assistant.payloads()[DEVICES[2]]["device"]["serial_number"] == "S1"
            other = (SupplyItem("1", "PGOOD", "CRPS", "S9", "B"), *INVENTORY.supplies[1:])
            agent.board.parts = replace(INVENTORY, supplies=other)
            agent.board.tell("psu/1")
            await eventually(lambda: assistant.payloads()[DEVICES[2]]["device"]["serial_number"] == "S9")

    with assisted(mosquitto) as assistant:
        asyncio.run(test(assistant))


def test_a_button_that_is_no_longer_wired_is_marked(mosquitto: Mosquitto) -> None:
    store = MemoryStore()

    async def test(assistant: Assistant) -> None:
        async with board_with_memory(mosquitto, store, MemoryBoard()):
            await eventually(lambda: DEVICES[1] in assistant.payloads())
        board = MemoryBoard()
        host = replace(INVENTORY.hosts[0], actions=frozenset())
        board.parts = replace(INVENTORY, hosts=(host,))
        async with board_with_memory(mosquitto, store, board):
            reset = {"platform": "button"}
            await eventually(lambda: assistant.payloads()[DEVICES[1]]["components"]["reset"] == reset)

    with assisted(mosquitto) as assistant:
        asyncio.run(test(assistant))


def test_a_strangers_words_on_the_birth_topic_do_no_harm(mosquitto: Mosquitto) -> None:
    async def test() -> None:
        async with running(mosquitto.url) as agent:
            await agent.connected()
            for words in (b"\xff\xfe", b" ", b"x" * 60_000, json.dumps({"online": True}).encode()):
                await asyncio.to_thread(mosquitto.publish, "homeassistant/status", words)
            await asyncio.to_thread(mosquitto.publish, f"{BASE}/host/0/state", "x")
            await asyncio.sleep(0.1)
            assert agent.face.status().connected

    asyncio.run(test())
