# SPDX-License-Identifier: Apache-2.0
"""docs/fleet-farm.md: its keys, its file and its access list are those of the program; and what files are refused."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from agent.fleet.farm.model import Resource
from agent.fleet.farm.tables import FarmNodeTable, FarmTable, ThresholdTable
from agent.fleet.farm.waiting_work import demand_topic
from agent.fleet.node.topics import Leaf, topic
from agent.fleet.program.coordinator_file import load_coordinator
from agent.profile.problem import ConfigError
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually
from tests.agent.profile.test_profiles_page import DOCS, named

if TYPE_CHECKING:
    from pathlib import Path

    import msgspec

PAGE = (DOCS / "fleet-farm.md").read_text(encoding="utf-8")
NODES_PAGE = (DOCS / "fleet-nodes.md").read_text(encoding="utf-8")
FILE = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
MAY = [
    ("bee", topic("hall", "bee", Leaf.LOAD), True),
    ("bee", topic("hall", "ant", Leaf.LOAD), False),
    ("bee", topic("hall", "bee", Leaf.TARGET), False),
    ("batch", demand_topic("hall", "batch"), True),
    ("batch", demand_topic("hall", "other"), False),
    ("batch", topic("hall", "bee", Leaf.TARGET), False),
    ("batch", "pgood/fleet/kv/farm-hall", False),
    ("batch", "pgood/fleet/lease/farm-hall", False),
    ("coordinator", topic("hall", "ant", Leaf.TARGET), True),
    ("coordinator", topic("hall", "ant", Leaf.REPORT), False),
    ("coordinator", "pgood/fleet/kv/farm-hall", True),
    ("coordinator", "pgood/fleet/lease/farm-hall", True),
]


@pytest.mark.parametrize("kind", [FarmTable, FarmNodeTable, ThresholdTable])
def test_every_key_is_on_the_page(kind: type[msgspec.Struct]) -> None:
    assert set(kind.__struct_encode_fields__) <= named(PAGE)


def test_the_file_on_the_page_is_good(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text(FILE)
    found = load_coordinator(tmp_path / "farm.toml", "c")
    assert found.budget is None
    assert found.farm is not None
    assert found.farm.segments == ("hall",)
    assert found.farm.nodes["bee"].capacity == {**dict.fromkeys(Resource, 0), Resource.CPU: 16, Resource.MEMORY: 64}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('segment = "hall"', 'segment = "kv"', "farm.nodes.bee.segment: kv is a topic of the bus itself"),
        ("cpu = 16 ", "cpu = nan ", "farm.nodes.bee.cpu"),
        ("cpu = 16 ", "cpu = -1 ", "farm.nodes.bee.cpu"),
        ("cpu = 16 ", "gpu = 16 ", "farm.nodes.bee.gpu: unknown key"),
        ("[farm]", "[farm]\nround_s = 9", "farm.round_s"),
        ("[farm]", "[farm]\nthresholds = {cpu = 0.9}", "farm.thresholds.cpu"),
        ("[farm]", "[farm]\nper_round = 0", "farm.per_round"),
        ("daily_at = 03:30:00", 'daily_at = "noon"', "farm.daily_at"),
        ("[farm.nodes.bee]", "[farm.nodes.demand]", "farm.nodes.demand: demand is a topic of its own"),
        ("[farm]", "[nodes.x]\npriority='critical'\nbase_w=1\npeak_w=2\n[farm]", "groups: is missing"),
    ],
)
def test_a_bad_file_is_refused_with_place_and_cure(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in FILE
    (tmp_path / "farm.toml").write_text(FILE.replace(old, new, 1))
    with pytest.raises(ConfigError) as refused:
        load_coordinator(tmp_path / "farm.toml", "c")
    assert told in str(refused.value)


def test_a_farm_of_nobody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text('domain = "hall"\nmqtt = {url = "mqtt://h"}\nfarm = {nodes = {}}\n')
    with pytest.raises(ConfigError, match=r"farm\.nodes: is empty"):
        load_coordinator(tmp_path / "farm.toml", "c")


def test_the_access_list_of_the_page(tmp_path: Path) -> None:
    """Together with that of the machines."""
    blocks = re.findall(r"```text\n(.*?)```", NODES_PAGE + PAGE, re.DOTALL)
    access = [block for block in blocks if block.startswith(("user owner", "user coordinator"))]
    assert len(access) == 2
    acl = tmp_path / "acl"
    acl.write_text("\n".join([*access, "user watcher", "topic read pgood/fleet/#", ""]), encoding="utf-8")
    acl.chmod(0o600)
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {acl}"])
    mosquitto.start()

    async def test() -> None:
        everything = Watcher(mosquitto.port, "watcher", user="watcher")
        coordinator = Watcher(mosquitto.port, "coordinator", user="coordinator")
        for user, name, _ in MAY:
            await asyncio.to_thread(mosquitto.publish, name, user, "-u", user, "-q", "1")
        allowed = {name for _, name, may in MAY if may}
        await eventually(lambda: allowed <= {seen.topic for seen in everything.seen})
        await eventually(lambda: allowed <= {seen.topic for seen in coordinator.seen})
        assert {(seen.payload.decode(), seen.topic) for seen in everything.seen} == {
            (user, name) for user, name, may in MAY if may
        }
        everything.close()
        coordinator.close()

    try:
        asyncio.run(test())
    finally:
        mosquitto.kill()
