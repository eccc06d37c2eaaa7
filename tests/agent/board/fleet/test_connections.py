# SPDX-License-Identifier: Apache-2.0
"""One machine over connections, suspends and new starts: heard of at once, and its will is always of this start."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.board.fleet.machine import FleetMachine, Surroundings, suspended_ns
from agent.board.fleet.memory import FleetMemory
from agent.fleet.mqtt_bus import MqttBus
from agent.fleet.node import heartbeat
from agent.fleet.node.core import NodeCore, Seen, Settings
from agent.fleet.node.desired import Remembered
from agent.fleet.node.documents import Document, Gone, Heartbeat, Report, decode, encode
from agent.fleet.node.heartbeat import Pulse
from agent.fleet.node.target import OWN_NODE, Identity
from agent.fleet.node.topics import Leaf, topic
from agent.fleet.node.uptime_book import UptimeBook
from agent.fleet.node.wake_ability import WakeAbility
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url
from tests.agent.board.fleet.rig import NODE, SEGMENT
from tests.agent.mqtt.brokers import Mosquitto, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from agent.board.fleet.means import Asked
    from agent.power.request import Action

S = 1_000_000_000
HOUR_NS = 3600 * S


class Up:
    """The means of a machine that stays up."""

    async def look(self) -> None: ...

    def seen(self, now_ns: int) -> Seen:
        return Seen(now_ns, WakeAbility((), "no card"), ())

    def switch(self, action: Action, node: str) -> Asked:
        raise AssertionError(action)

    def close(self) -> None: ...


class NoDisk(FleetMemory):
    async def keep(self, node: str, remembered: Remembered) -> None: ...

    def uptimes(self, node: str) -> UptimeBook:
        return UptimeBook()

    async def keep_uptimes(self, node: str, uptimes: UptimeBook) -> None: ...


class Rig:
    """The machine, and somebody who listens."""

    def __init__(self, url: str) -> None:
        self.suspended_ns = 0
        self.said: list[Document] = []
        self.core = NodeCore(Identity(NODE, SEGMENT, "k"), Settings(OWN_NODE), Remembered(start=4), 0)
        config = MqttConfig(url=parse_url(url), base="unused", client_id="node", will=self.will, will_delay_s=0)
        self.bus = MqttBus(config)
        self.ear = MqttBus(replace(config, client_id="ear", will=None))
        around = Surroundings(
            NoDisk(None),  # type: ignore[arg-type]  # nothing is read
            lambda *event: None,
            self._burst,
            suspended_ns=lambda: self.suspended_ns,
        )
        self.machine = FleetMachine(NODE, SEGMENT, self.core, self.bus, Up(), around)

    def will(self) -> tuple[str, bytes]:
        return topic(SEGMENT, NODE, Leaf.ALIVE), encode(self.core.will())

    async def _burst(self, *_: object) -> None:
        raise AssertionError("nobody is to be woken")

    async def hear(self, leaf: Leaf) -> None:
        async for message in self.ear.subscribe(topic(SEGMENT, NODE, leaf)):
            document = decode(message.payload, leaf, NODE)
            assert isinstance(document, Document)
            self.said.append(document)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Rig]:
        listening = [asyncio.create_task(self.hear(leaf)) for leaf in (Leaf.REPORT, Leaf.ALIVE)]
        self.ear.start()
        self.bus.start()
        self.machine.start()
        try:
            yield self
        finally:
            await self.machine.close()
            await self.bus.close()
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)
            await self.ear.close()

    def starts(self, kind: type[Report | Heartbeat | Gone]) -> list[int]:
        return [one.start for one in self.said if isinstance(one, kind)]

    def cut(self) -> None:
        """The connection ends without a word."""
        link = self.bus._client._live()
        assert link is not None
        link.abort("cut")


def test_after_a_suspend_it_starts_anew_and_its_will_is_of_the_new_start(mosquitto: Mosquitto) -> None:
    rig = Rig(mosquitto.url)

    async def play() -> None:
        async with rig.running():
            await eventually(lambda: 5 in rig.starts(Report) and 5 in rig.starts(Heartbeat), "the first start is told")
            rig.suspended_ns += 3 * S
            await eventually(lambda: 6 in rig.starts(Report) and 6 in rig.starts(Heartbeat), "the next start is told")
            assert rig.starts(Gone) == [], "the old connection ended with a goodbye"
            await eventually(lambda: rig.bus.connection == 2, "a new connection stands")
            rig.cut()
            await eventually(lambda: rig.starts(Gone) == [6], "the will is of the new start")

    asyncio.run(play())


@pytest.fixture
def _late_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one of a connection and one that failed come in an hour: none comes by itself while a test waits."""
    monkeypatch.setattr(heartbeat, "AGAIN_NS", HOUR_NS)
    monkeypatch.setattr(Pulse, "failed", lambda self, now_ns: replace(self, due_ns=now_ns + HOUR_NS))


@pytest.mark.usefixtures("_late_heartbeats")
def test_a_will_that_was_told_is_taken_back_as_soon_as_the_broker_is_reached_again(mosquitto: Mosquitto) -> None:
    rig = Rig(mosquitto.url)

    async def play() -> None:
        async with rig.running():
            await eventually(lambda: bool(rig.starts(Heartbeat)), "it lives")
            rig.cut()
            await eventually(lambda: bool(rig.starts(Gone)), "its will is told")
            gone = rig.said.index(next(one for one in rig.said if isinstance(one, Gone)))
            await eventually(lambda: any(isinstance(one, Heartbeat) for one in rig.said[gone:]), "it lives again")

    asyncio.run(play())


@pytest.mark.usefixtures("_late_heartbeats")
def test_the_first_words_are_said_as_soon_as_there_is_a_broker(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    rig = Rig(mosquitto.url)

    async def play() -> None:
        async with rig.running():
            await asyncio.sleep(1.5)
            assert rig.said == []
            await asyncio.to_thread(mosquitto.start)
            await eventually(lambda: rig.bus.connection > 0 and rig.ear.connection > 0, "there is a broker")
            await eventually(lambda: bool(rig.starts(Report) and rig.starts(Heartbeat)), "it is heard")

    try:
        asyncio.run(play())
    finally:
        mosquitto.kill()


def test_the_kernel_tells_how_long_it_was_suspended() -> None:
    before_ns = suspended_ns()
    assert before_ns >= -S // 1000
    assert abs(suspended_ns() - before_ns) < S // 100


def test_a_pause_between_the_two_clocks_is_no_suspend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this process: a computer under load, or a virtual one that its host has stopped for a moment."""
    real, before_ns = time.clock_gettime_ns, suspended_ns()
    paused: list[bool] = []

    def read(clock: int) -> int:
        found = real(clock)
        if clock == time.CLOCK_BOOTTIME and not paused:
            paused.append(True)
            time.sleep(0.05)
        return found

    monkeypatch.setattr(time, "clock_gettime_ns", read)
    assert abs(suspended_ns() - before_ns) < S // 100
    assert paused
