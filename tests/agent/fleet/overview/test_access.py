# SPDX-License-Identifier: Apache-2.0
"""The access list of docs/fleet.md, taken from that page, on a real mosquitto beside that of the budget."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from agent.fleet.budget.topics import group_topic, members_topic
from agent.fleet.groups.group_entities import config_topic
from agent.fleet.node.topics import Leaf, topic
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually

DOCS = Path(__file__).parents[4] / "docs"
GROUP, MEMBERS = group_topic("hall", "rack"), members_topic("hall", "rack")
CONFIG, TARGET = config_topic("homeassistant", "hall", "rack"), topic("hall", "n1", Leaf.TARGET)


def rules() -> str:
    own = re.search(r"```text\n(user owner\n.*?)```", (DOCS / "fleet.md").read_text(encoding="utf-8"), re.DOTALL)
    budget = re.search(
        r"```\n(pattern write .*?)```", (DOCS / "fleet-budget.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert own is not None
    assert budget is not None
    return f"{budget[1]}\n{own[1]}"


def test_only_a_coordinator_tells_of_groups_and_only_the_owner_sets_targets(tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(rules(), encoding="utf-8")
    acl.chmod(0o600)
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {acl}"])
    mosquitto.start()
    owner = Watcher(mosquitto.port, user="owner")
    coordinator = Watcher(mosquitto.port, "assistant", CONFIG, user="coordinator")

    async def test() -> None:
        for user in ("n1", "owner"):
            for name in (GROUP, MEMBERS, CONFIG):
                await asyncio.to_thread(mosquitto.publish, name, "forged", "-u", user)
        for user in ("n1", "coordinator"):
            await asyncio.to_thread(mosquitto.publish, TARGET, "forged", "-u", user)
        for name in (GROUP, MEMBERS, CONFIG):
            await asyncio.to_thread(mosquitto.publish, name, "told", "-u", "coordinator")
        await asyncio.to_thread(mosquitto.publish, TARGET, "wanted", "-u", "owner")
        await eventually(lambda: len(owner.seen) >= 3 and coordinator.seen)
        assert {seen.topic: seen.payload for seen in owner.seen} == {
            GROUP: b"told",
            MEMBERS: b"told",
            TARGET: b"wanted",
        }
        assert [seen.payload for seen in owner.seen if seen.payload == b"forged"] == []
        assert [seen.payload for seen in coordinator.seen] == [b"told"]

    try:
        asyncio.run(test())
    finally:
        owner.close()
        coordinator.close()
        mosquitto.kill()
