# SPDX-License-Identifier: Apache-2.0
"""Boards of the fleet on a real mosquitto: targets arrive, reports come back, and a killed agent is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from agent.fleet.mqtt_bus import MqttBus
from agent.fleet.node.documents import Condition, Direction, Gone, Heartbeat, Report, Target, decode, encode
from agent.fleet.node.topics import Leaf, topic
from agent.mqtt.config import MqttConfig
from agent.mqtt.url import parse_url
from tests.agent.board.fleet.rig import HOST, NODE, SEGMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.mqtt.brokers import Mosquitto

PATIENCE_S = 30.0
SITE = """
[mqtt]
url = "{url}"
[fleet]
segment = "hall"
[fleet.hosts.0]
node = "bee"
"""


class Agent:
    """`pgood run` in a process of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        profile, site = folder / "one.toml", folder / "site.toml"
        profile.write_text(HOST)
        site.write_text(SITE.format(url=url))
        command = ["run", "--profile", profile, "--config", site, "--state-dir", self.state, "--keep-world"]
        self.log = folder / "agent.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "agent", *map(str, command)], stdout=log, stderr=log)

    def switch_on(self) -> None:
        command = [sys.executable, "-m", "agent", "power", "on", "--state-dir", str(self.state)]
        deadline_s = time.monotonic() + PATIENCE_S
        while subprocess.run(command, check=False, capture_output=True).returncode != 0:
            assert time.monotonic() < deadline_s, self.log.read_text()
            time.sleep(0.2)

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        self.process.wait(PATIENCE_S)


class Owner:
    """Writes targets and hears what the node says."""

    def __init__(self, url: str) -> None:
        self.bus = MqttBus(MqttConfig(url=parse_url(url), base="unused", client_id="owner"))
        self.reports: list[Report] = []
        self.alive: list[object] = []

    async def hear(self, leaf: Leaf) -> None:
        async for message in self.bus.subscribe(topic(SEGMENT, NODE, leaf)):
            document = decode(message.payload, leaf, NODE)
            if isinstance(document, Report):
                self.reports.append(document)
            else:
                self.alive.append(document)

    async def want(self, target: Direction, revision: int) -> None:
        document = Target(node=NODE, target=target, revision=revision)
        await self.bus.publish(topic(SEGMENT, NODE, Leaf.TARGET), encode(document), retain=True, qos=1)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.02)


def test_an_agent_on_a_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    agent = Agent(tmp_path, mosquitto.url)
    owner = Owner(mosquitto.url)

    def is_(condition: Condition, target: Direction) -> Callable[[], bool]:
        return lambda: bool(owner.reports) and (owner.reports[-1].condition, owner.reports[-1].target) == (
            condition, target
        )  # fmt: skip

    async def play() -> None:
        nonlocal agent
        hearing = [asyncio.create_task(owner.hear(leaf)) for leaf in (Leaf.REPORT, Leaf.ALIVE)]
        owner.bus.start()
        await owner.until(lambda: owner.bus.connected)
        await asyncio.to_thread(agent.switch_on)
        await owner.until(lambda: bool(owner.reports) and owner.reports[-1].state is Direction.UP)
        await owner.want(Direction.DOWN, 1)
        await owner.until(is_(Condition.OFF, Direction.DOWN))
        assert [report.state for report in owner.reports if report.last] == [Direction.UP]
        await owner.want(Direction.UP, 2)
        await owner.until(is_(Condition.ON, Direction.UP))
        await owner.until(lambda: any(isinstance(one, Heartbeat) for one in owner.alive))
        agent.end(signal.SIGKILL)
        await owner.until(lambda: isinstance(owner.alive[-1], Gone))
        agent = Agent(tmp_path, mosquitto.url)
        await owner.until(lambda: isinstance(owner.alive[-1], Heartbeat))
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)
        await owner.bus.close()

    try:
        asyncio.run(play())
    except TimeoutError:
        pytest.fail(f"{owner.reports[-3:]}\n{agent.log.read_text()[-3000:]}")
    finally:
        agent.end()
