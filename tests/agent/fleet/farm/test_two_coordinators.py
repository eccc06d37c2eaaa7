# SPDX-License-Identifier: Apache-2.0
"""Two coordinators with a budget and a farm on a real mosquitto: the second goes on where the first was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.fleet.node.documents import Condition, Direction, Report, Target, encode
from agent.fleet.node.topics import Leaf, topic
from tests.agent.mqtt.brokers import PATIENCE_S, Mosquitto, retained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[4]
FILE = """\
domain = "hall"

[mqtt]
url = "{url}"

[groups.hall]
kind = "site"
limit_w = 900
nodes = ["bee"]

[nodes.bee]
priority = "research"
base_w = 100
peak_w = 400

[farm]
round_s = 10
random_per_month = 0
daily_at = 00:00:00
trust_clock = true

[farm.nodes.bee]
segment = "hall"
"""
TARGET = topic("hall", "bee", Leaf.TARGET)


class Coordinators:
    """Processes, by their state directories."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        (folder / "hall.toml").write_text(FILE.format(url=url))
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as told:
            command = self._words(name, "--config", str(self._folder / "hall.toml"))
            self.running[name] = subprocess.Popen(command, stderr=told, env=self._environment)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def ask(self, name: str, *words: str) -> dict[str, Any]:
        """Empty while it does not answer."""
        command = self._words(name, *words, "--json")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=self._environment)
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found

    def leader(self) -> str:
        """Of the farm, once there is one whose round is over."""
        found: list[str] = []

        def look() -> bool:
            asked = {name: self.ask(name, "farm") for name in self.running}
            found[:] = [name for name, one in asked.items() if one.get("leads") and one["round_age_s"] is not None]
            return bool(found)

        until(look)
        return found[0]

    def _words(self, name: str, *more: str) -> list[str]:
        return [sys.executable, "-m", "agent", "coordinator", "--state-dir", str(self._folder / name), *more]


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 2 * PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.2)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def coordinators(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Coordinators]:
    coordinators = Coordinators(tmp_path, mosquitto.url)
    yield coordinators
    for name in list(coordinators.running):
        coordinators.kill(name)


def test_a_daily_wake_is_not_done_again_by_who_takes_over(mosquitto: Mosquitto, coordinators: Coordinators) -> None:
    asleep = Report(
        node="bee",
        segment="hall",
        boot="b",
        start=1,
        number=1,
        state=Direction.DOWN,
        condition=Condition.OFF,
        target=None,
        revision=4,
        able=True,
    )
    mosquitto.publish(topic("hall", "bee", Leaf.REPORT), encode(asleep), "-r")
    coordinators.start("one")
    first = coordinators.leader()
    until(lambda: TARGET in retained(mosquitto.port))
    wanted = json.loads(retained(mosquitto.port)[TARGET])
    assert (wanted["target"], wanted["revision"], wanted["asked_by"]) == ("up", 5, "automation")
    assert wanted["reason"] == "daily: the daily wake of 00:00"
    until(lambda: bool(coordinators.ask(first, "status").get("leads")))  # of the budget, by a lease of its own
    coordinators.start("two")
    until(lambda: coordinators.ask("two", "farm").get("leads") is False)
    coordinators.kill("one")
    back = Target(node="bee", target=Direction.DOWN, revision=6)
    mosquitto.publish(TARGET, encode(back), "-r")
    assert coordinators.leader() == "two"
    found = coordinators.ask("two", "farm")
    assert [one["target"] for one in found["nodes"]] == ["down"]
    assert json.loads(retained(mosquitto.port)[TARGET])["revision"] == 6, "it was woken today"
