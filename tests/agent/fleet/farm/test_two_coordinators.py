# SPDX-License-Identifier: Apache-2.0
"""Two coordinators with a budget and a farm on a real mosquitto: the second goes on where the first was killed."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.fleet.node.documents import Direction, Target, encode
from agent.fleet.node.topics import Leaf, topic
from tests.agent.fleet.node.reports import report_of
from tests.agent.fleet.program.processes import Coordinators
from tests.agent.mqtt.brokers import Mosquitto, retained
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
daily_at = {at:%H:%M}:00
trust_clock = true

[farm.nodes.bee]
segment = "hall"
"""
AT = datetime.datetime.now() - datetime.timedelta(hours=6)
"""Far from now: today's wake is due, and tomorrow's is not before the test ends."""
TARGET = topic("hall", "bee", Leaf.TARGET)


class FarmCoordinators(Coordinators):
    """With a farm in their file."""

    def told(self, name: str, *words: str) -> dict[str, Any]:
        """Empty while it does not answer."""
        done = self.ask(name, *words, "--json")
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found

    def farm_leader(self) -> str:
        """Of the farm, once there is one whose round is over."""
        found: list[str] = []

        def look() -> bool:
            asked = {name: self.told(name, "farm") for name in self.running}
            found[:] = [name for name, one in asked.items() if one.get("leads") and one["round_age_s"] is not None]
            return bool(found)

        until(look)
        return found[0]


@pytest.fixture
def coordinators(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[FarmCoordinators]:
    (tmp_path / "hall.toml").write_text(FILE.format(url=mosquitto.url, at=AT))
    coordinators = FarmCoordinators(tmp_path, {})
    yield coordinators
    for name in list(coordinators.running):
        coordinators.kill(name)


def test_a_daily_wake_is_not_done_again_by_who_takes_over(mosquitto: Mosquitto, coordinators: FarmCoordinators) -> None:
    asleep = report_of("bee", Direction.DOWN, revision=4, able=True)
    mosquitto.publish(topic("hall", "bee", Leaf.REPORT), encode(asleep), "-r")
    coordinators.start("one")
    first = coordinators.farm_leader()
    until(lambda: TARGET in retained(mosquitto.port))
    wanted = json.loads(retained(mosquitto.port)[TARGET])
    assert (wanted["target"], wanted["revision"], wanted["asked_by"]) == ("up", 5, "automation")
    assert wanted["reason"] == f"daily: the daily wake of {AT:%H:%M}"
    until(lambda: bool(coordinators.told(first, "status").get("leads")))  # of the budget, by a lease of its own
    coordinators.start("two")
    until(lambda: coordinators.told("two", "farm").get("leads") is False)
    coordinators.kill("one")
    back = Target(node="bee", target=Direction.DOWN, revision=6)
    mosquitto.publish(TARGET, encode(back), "-r")
    assert coordinators.farm_leader() == "two"
    found: dict[str, Any] = {}

    def answers() -> bool:
        found.update(coordinators.told("two", "farm"))
        return bool(found)

    until(answers)
    assert [one["target"] for one in found["nodes"]] == ["down"]
    assert json.loads(retained(mosquitto.port)[TARGET])["revision"] == 6, "it was woken today"
