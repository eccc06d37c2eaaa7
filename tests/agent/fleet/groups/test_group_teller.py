# SPDX-License-Identifier: Apache-2.0
"""States of groups on the bus, and what Home Assistant is told of them."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from jinja2 import Environment

from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.emergencies.emergency import EmergencyKind
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.messages import Grant, Refusal, read_grant
from agent.fleet.budget.messages import encode as encode_report
from agent.fleet.budget.tables import BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.topics import group_of, group_topic, members_topic, node_of, report_topic
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS, BusError, Message
from agent.fleet.groups.group_entities import announced_group, config_topic
from agent.fleet.groups.group_states import GroupDocument, MembersDocument, read_group, read_members
from agent.fleet.groups.group_teller import GroupTeller
from agent.fleet.memory_bus import MemoryBroker
from tests.agent.mqtt.homeassistant.rules import problems

TREE = build_tree(
    BudgetTable(
        groups={
            "hall": GroupTable(kind="site", limit_w=900, groups=("rack",)),
            "rack": GroupTable(kind="rack", limit_w=500, nodes=("n0", "n1")),
        },
        nodes={
            "n0": NodeTable(priority="critical", base_w=100, peak_w=400, falls_back=True),
            "n1": NodeTable(priority="research", base_w=100, peak_w=400, falls_back=True),
        },
    )
)


class World:
    """One coordinator, nodes that report, and everything that the broker keeps."""

    def __init__(self) -> None:
        self.broker = MemoryBroker(random.Random(1))
        bus = self.broker.connect("c")
        self.coordinator = Coordinator(bus, TREE, "hall", lambda: self.broker.now_ns, random.Random(2))
        self.teller_bus = self.broker.connect("t")
        self.teller = self.made()
        self.lease = {name: NodeLease(name, 100, 400, 7, 0) for name in TREE.nodes}
        self.caps = self.broker.add("nodes", "pgood/fleet/hall/+/cap")

    def made(self) -> GroupTeller:
        return GroupTeller(self.teller_bus, self.coordinator, "homeassistant", "1.2", lambda: self.broker.now_ns)

    async def cycle(self, watts: float) -> int:
        """Every node takes its lease and draws so much; one cycle, and what is told of it."""
        self.broker.advance(3 * SECOND_NS)
        now_ns = self.broker.now_ns
        while not self.caps.queue.empty():
            message = self.caps.queue.get_nowait()
            grant = read_grant(message.payload, node_of(message.topic))
            if isinstance(grant, Grant) and grant.node in self.lease:
                self.lease[grant.node].accept(grant, now_ns)
        for name, lease in self.lease.items():
            lease.was_set(lease.cap_w(now_ns), now_ns)
            lease.was_read(lease.cap_w(now_ns))
            lease.measured(watts, now_ns)
            self.coordinator.hear(Message(report_topic("hall", name), encode_report(lease.report(now_ns))))
        await self.coordinator.look()
        return await self.teller.tell()

    def kept(self, pattern: str) -> dict[str, bytes]:
        """What is retained."""
        subscription = self.broker.add("looker", pattern)
        self.broker.advance(0)
        found = {}
        while not subscription.queue.empty():
            message = subscription.queue.get_nowait()
            found[message.topic] = message.payload
        self.broker.remove(subscription)
        return found

    def state(self, group: str) -> GroupDocument:
        document = read_group(self.kept(group_topic("hall", group))[group_topic("hall", group)])
        assert isinstance(document, GroupDocument)
        return document


def test_each_group_and_its_members_are_told() -> None:
    async def scenario() -> None:
        world = World()
        await world.cycle(120.0)
        rack, hall = world.state("rack"), world.state("hall")
        assert (rack.kind, rack.parent, rack.limit_w, rack.nodes, rack.silent) == ("rack", "hall", 500, 2, 0)
        assert (rack.watts, hall.watts) == (240.0, 240.0)
        assert hall.parent is None
        members = {topic: read_members(payload) for topic, payload in world.kept("pgood/fleet/members/#").items()}
        assert list(members) == [members_topic("hall", "rack")]
        (document,) = members.values()
        assert isinstance(document, MembersDocument)
        assert document.nodes == {"n0": "critical", "n1": "research"}

    asyncio.run(scenario())


def test_only_what_changed_is_told_again_until_the_heartbeat() -> None:
    async def scenario() -> None:
        world = World()
        for _ in range(12):
            await world.cycle(120.0)
        assert await world.cycle(121.0) == 0
        assert await world.cycle(150.0) > 0
        assert world.state("rack").watts == 300.0
        sent = [await world.cycle(150.0) for _ in range(20)]
        assert sum(sent) == 5  # within a minute, once each: two groups, two devices, the members of one group

    asyncio.run(scenario())


def test_a_broker_that_has_lost_all_is_told_again_at_once() -> None:
    async def scenario() -> None:
        world = World()
        for _ in range(12):
            await world.cycle(120.0)
        for topic in [*world.kept("pgood/fleet/group/#"), *world.kept("pgood/fleet/members/#")]:
            world.broker.send(topic, b"", True)
        assert await world.cycle(120.0) == 0
        world.broker.cut_off.add("t")
        with pytest.raises(BusError):
            await world.cycle(120.0)
        world.broker.cut_off.discard("t")
        await world.cycle(120.0)
        assert world.state("rack").watts == 240.0
        assert members_topic("hall", "rack") in world.kept("pgood/fleet/members/#")

    asyncio.run(scenario())


def test_an_emergency_is_a_problem_of_its_group() -> None:
    async def scenario() -> None:
        world = World()
        for _ in range(6):
            await world.cycle(120.0)
        assert not world.state("rack").problem
        world.coordinator.desk.signal(EmergencyKind.COOLING, "rack", True, world.broker.now_ns)
        await world.cycle(120.0)
        rack = world.state("rack")
        assert (rack.emergencies, rack.problem, rack.allowed_w) == (("cooling-failure",), True, 250.0)
        assert not world.state("hall").emergencies
        assert world.state("hall").allowed_w == 900.0

    asyncio.run(scenario())


def test_nodes_that_fall_silent_are_counted() -> None:
    async def scenario() -> None:
        world = World()
        await world.cycle(120.0)
        del world.lease["n1"]
        for _ in range(5):
            await world.cycle(120.0)
        rack = world.state("rack")
        assert (rack.nodes, rack.silent, rack.problem) == (2, 1, True)

    asyncio.run(scenario())


def test_who_does_not_lead_tells_nothing() -> None:
    async def scenario() -> None:
        world = World()
        assert await world.teller.tell() == 0
        other = world.broker.connect("other")
        assert await other.lease("budget-hall", 10.0)
        assert await world.cycle(120.0) == 0
        assert not world.kept("pgood/fleet/group/#")

    asyncio.run(scenario())


def test_what_an_earlier_file_left_is_taken_back() -> None:
    async def scenario() -> None:
        world = World()
        before = world.broker.connect("before")
        old = [
            group_topic("hall", "gone"),
            members_topic("hall", "gone"),
            config_topic("homeassistant", "hall", "gone"),
        ]
        others = [group_topic("attic", "gone"), config_topic("homeassistant", "attic", "gone")]
        for topic in old + others:
            await before.publish(topic, b"{}", retain=True)
        task = asyncio.create_task(world.teller.run())
        for _ in range(20):  # readers run when the loop gets to them
            await asyncio.sleep(0)
            world.broker.advance(0)
        task.cancel()
        await world.cycle(120.0)
        kept = world.kept("#")
        assert not [topic for topic in old if topic in kept]
        assert [topic for topic in others if topic in kept] == others
        assert group_topic("hall", "rack") in kept

    asyncio.run(scenario())


def test_what_home_assistant_gets_renders() -> None:
    async def scenario() -> None:
        world = World()
        await world.cycle(120.0)
        configs = {topic: json.loads(payload) for topic, payload in world.kept("homeassistant/device/#").items()}
        assert sorted(configs) == [config_topic("homeassistant", "hall", name) for name in ("hall", "rack")]
        ids: list[str] = []
        for topic, payload in configs.items():
            assert problems(topic, payload) == []
            for component in payload["components"].values():
                ids.append(component["unique_id"])
                state = json.loads(world.kept(component["state_topic"])[component["state_topic"]])
                shown = Environment().from_string(component["value_template"]).render(value_json=state)
                if component["platform"] == "binary_sensor":
                    assert shown in ("ON", "OFF")
                elif component.get("device_class") == "enum":
                    assert shown in component["options"]
                else:
                    assert float(shown) >= 0
        assert len(set(ids)) == len(ids)
        rack = configs[config_topic("homeassistant", "hall", "rack")]
        hall = configs[config_topic("homeassistant", "hall", "hall")]
        assert rack["device"]["via_device"] in hall["device"]["identifiers"]

    asyncio.run(scenario())


def test_without_a_prefix_home_assistant_is_told_nothing() -> None:
    async def scenario() -> None:
        world = World()
        world.teller = GroupTeller(
            world.broker.connect("quiet"), world.coordinator, "", "1.2", lambda: world.broker.now_ns
        )
        await world.cycle(120.0)
        assert world.kept("pgood/fleet/group/#")
        assert not world.kept("homeassistant/#")

    asyncio.run(scenario())


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b'{"domain": "a"}', b"[" * 100_000])
def test_what_is_no_document_is_refused(payload: bytes) -> None:
    assert read_group(payload) is Refusal.MALFORMED
    assert read_members(payload) is Refusal.MALFORMED


def test_what_is_too_long_is_not_read() -> None:
    assert read_group(b" " * 1_000_001) is Refusal.TOO_LONG


@pytest.mark.parametrize(
    ("topic", "group"),
    [
        ("pgood/fleet/group/hall/rack", "rack"),
        ("pgood/fleet/members/hall/rack", "rack"),
        ("pgood/fleet/group/attic/rack", ""),
        ("pgood/fleet/group/hall/rack/more", ""),
        ("pgood/fleet/group/hall/", ""),
        ("pgood/fleet/hall/n0/power", ""),
    ],
)
def test_groups_of_topics(topic: str, group: str) -> None:
    assert group_of("hall", topic) == group


@pytest.mark.parametrize(
    ("topic", "group"),
    [
        ("homeassistant/device/pgood-fleet-hall/rack/config", "rack"),
        ("homeassistant/device/pgood-fleet-attic/rack/config", ""),
        ("homeassistant/device/pgood-fleet-hall/config", ""),
        ("homeassistant/device/pgood-fleet-hall/a/b/config", ""),
    ],
)
def test_groups_of_discovery_topics(topic: str, group: str) -> None:
    assert announced_group("homeassistant", "hall", topic) == group
