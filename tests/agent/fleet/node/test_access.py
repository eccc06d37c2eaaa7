# SPDX-License-Identifier: Apache-2.0
"""The access list of docs/fleet-nodes.md at a real mosquitto: who may say what about whom."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from agent.fleet.node.topics import Leaf, topic
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually

PAGE = Path(__file__).parents[4] / "docs" / "fleet-nodes.md"

ATTEMPTS = [
    ("bee", topic("hall", "bee", Leaf.TARGET), False),
    ("bee", topic("hall", "ant", Leaf.TARGET), False),
    ("bee", topic("hall", "ant", Leaf.REPORT), False),
    ("bee", topic("hall", "ant", Leaf.ALIVE), False),
    ("bee", topic("attic", "bee", Leaf.REPORT), False),
    ("owner", topic("hall", "bee", Leaf.TARGET), True),
    ("bee", topic("hall", "bee", Leaf.REPORT), True),
    ("bee", topic("hall", "bee", Leaf.ALIVE), True),
    ("bee", topic("hall", "bee", Leaf.LOAD), True),
    ("bee", topic("hall", "ant", Leaf.LOAD), False),
    ("bee", topic("hall", "ant", Leaf.WAKE), True),
    ("bee", topic("hall", "ant", Leaf.WITNESS), True),
]


def test_the_access_list_of_the_page(tmp_path: Path) -> None:
    blocks = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (access,) = [block for block in blocks if block.startswith("user owner")]
    acl = tmp_path / "acl"
    acl.write_text(access, encoding="utf-8")
    acl.chmod(0o600)
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {acl}"])
    mosquitto.start()

    async def test() -> None:
        owner = Watcher(mosquitto.port, "watcher", user="owner")
        node = Watcher(mosquitto.port, "node", "pgood/fleet/hall/#", user="ant")
        for user, name, _ in ATTEMPTS:
            await asyncio.to_thread(mosquitto.publish, name, user, "-u", user, "-q", "1")
        allowed = {name for _, name, may in ATTEMPTS if may}
        await eventually(lambda: allowed <= {seen.topic for seen in owner.seen})
        await eventually(lambda: allowed <= {seen.topic for seen in node.seen})
        assert {seen.topic for seen in owner.seen} == allowed
        owner.close()
        node.close()

    try:
        asyncio.run(test())
    finally:
        mosquitto.kill()
