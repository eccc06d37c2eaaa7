# SPDX-License-Identifier: Apache-2.0
"""The access list of docs/fleet-budget.md, taken from that page, on a real mosquitto."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from agent.fleet.budget.emergencies.emergency import EmergencyKind
from agent.fleet.budget.emergencies.emergency_messages import emergency_topic
from agent.fleet.budget.topics import cap_topic, deferred_topic, report_topic, wish_topic
from tests.agent.mqtt.brokers import Mosquitto, Watcher, eventually

PAGE = Path(__file__).parents[4] / "docs" / "fleet-budget.md"


def test_a_node_speaks_for_itself_only_and_grants_nothing(tmp_path: Path) -> None:
    found = re.search(r"```\n(pattern write .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    acl = tmp_path / "acl"
    acl.write_text(found[1], encoding="utf-8")
    acl.chmod(0o600)
    mosquitto = Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {acl}"])
    mosquitto.start()
    coordinator = Watcher(mosquitto.port, user="coordinator")
    node = Watcher(mosquitto.port, "node", user="n1")

    async def publish(user: str, topic: str, payload: str) -> None:
        await asyncio.to_thread(mosquitto.publish, topic, payload, "-u", user)

    async def test() -> None:
        await publish("n2", report_topic("hall", "n1"), "forged")
        await publish("n1", cap_topic("hall", "n1"), "forged")
        await publish("n1", "pgood/fleet/lease/budget-hall", "forged")
        await publish("n1", emergency_topic("hall", "rack1", EmergencyKind.GRID), "forged")
        await publish("cooling", emergency_topic("hall", "rack1", EmergencyKind.GRID), "not its own")
        await publish("n1", wish_topic("all"), "forged")
        await publish("n1", deferred_topic("hall", "n1"), "forged")
        await publish("cooling", emergency_topic("hall", "rack1", EmergencyKind.THERMAL), "hot")
        await publish("n1", report_topic("hall", "n1"), "own")
        await publish("coordinator", cap_topic("hall", "n2"), "other")
        await publish("coordinator", cap_topic("hall", "n1"), "cap")
        await eventually(lambda: heard(coordinator, report_topic("hall", "n1")))
        await eventually(lambda: heard(node, cap_topic("hall", "n1")))
        await eventually(lambda: heard(coordinator, emergency_topic("hall", "rack1", EmergencyKind.THERMAL)))
        assert heard(coordinator, emergency_topic("hall", "rack1", EmergencyKind.GRID)) == []
        assert heard(coordinator, wish_topic("all")) == []
        assert heard(node, deferred_topic("hall", "n1")) == []
        assert heard(coordinator, report_topic("hall", "n1")) == [b"own"]
        assert heard(node, cap_topic("hall", "n1")) == [b"cap"]
        assert heard(node, cap_topic("hall", "n2")) == []
        await publish("coordinator", "pgood/fleet/lease/budget-hall", "claim")
        await eventually(lambda: heard(coordinator, "pgood/fleet/lease/budget-hall"))
        assert heard(coordinator, "pgood/fleet/lease/budget-hall") == [b"claim"]

    try:
        asyncio.run(test())
    finally:
        coordinator.close()
        node.close()
        mosquitto.kill()


def heard(watcher: Watcher, topic: str) -> list[bytes]:
    return [seen.payload for seen in watcher.seen if seen.topic == topic]
