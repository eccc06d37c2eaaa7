# SPDX-License-Identifier: Apache-2.0
"""A parent and two sites as coordinators on a bus, in made-up time: watts move, and each site is safe alone."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import pytest

from agent.fleet.budget.coordinator import Coordinator
from agent.fleet.budget.lease import NodeLease
from agent.fleet.budget.messages import Grant, Refusal, Revision, encode
from agent.fleet.budget.node_side import NodeSide
from agent.fleet.budget.sites.deferrable import Deferred, Placement, Wish, read_deferred, read_wish
from agent.fleet.budget.sites.site_link import ParentPlace, SiteLink
from agent.fleet.budget.sites.sites import FALL_BACK_NS, SITE_LEASE_NS
from agent.fleet.budget.tables import BudgetTable, GroupTable, NodeTable
from agent.fleet.budget.timing import DEFAULT_LEASE_S, LEAD_S, Timing
from agent.fleet.budget.topics import cap_topic, deferred_topic, wish_topic
from agent.fleet.budget.tree import build_tree
from agent.fleet.bus import SECOND_NS, Message
from agent.fleet.memory_bus import MemoryBroker, Weather
from tests.agent.fleet.budget.made_up_hall import Machine
from tests.agent.fleet.budget.worlds import small_tree

CYCLE_S = 3
MINIMUM_W, LIMIT_W, TOGETHER_W = 700.0, 1600.0, 2400.0


def parent_tree(together_w: float) -> BudgetTable:
    node = NodeTable("production", base_w=MINIMUM_W, peak_w=LIMIT_W, falls_back=True)
    return BudgetTable({"all": GroupTable("site", together_w, nodes=("east", "west"))}, {"east": node, "west": node})


@dataclass
class Site:
    name: str
    coordinators: list[Coordinator] = field(default_factory=list)
    sides: list[NodeSide] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)

    @property
    def kept_w(self) -> float:
        return sum(machine.kept_w for machine in self.machines)

    @property
    def leader(self) -> Coordinator:
        (leader,) = [one for one in self.coordinators if one.leads]
        return leader

    def want(self, watts: float) -> None:
        for machine in self.machines:
            machine.wanted_w = watts


@dataclass
class Sites:
    broker: MemoryBroker = field(default_factory=lambda: MemoryBroker(random.Random(1), Weather(most_delay_ns=10**8)))
    sites: dict[str, Site] = field(default_factory=dict)
    parents: list[Coordinator] = field(default_factory=list)
    stopped: list[Coordinator] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    together_w: float = TOGETHER_W

    def now(self) -> int:
        return self.broker.now_ns

    async def open(self, wish: Wish | None = None) -> None:
        for name in ("east", "west"):
            self.sites[name] = site = Site(name)
            tree = small_tree((LIMIT_W, 800.0, 850.0))
            for number, node in enumerate(tree.nodes.values()):
                machine = Machine()
                lease = NodeLease(node.name, node.base_w, node.peak_w, number + 1, self.now())
                side = NodeSide(self.broker.connect(f"{name}-{node.name}"), name, lease, machine, self.now)
                site.machines.append(machine)
                site.sides.append(side)
                self.run(side.listen())
            for number in range(2):
                bus = self.broker.connect(f"{name}{number}")
                place = ParentPlace("all", name, MINIMUM_W)
                link = SiteLink(bus, place, LIMIT_W, round(DEFAULT_LEASE_S * SECOND_NS), self.now)
                one = Coordinator(bus, tree, name, self.now, random.Random(number), Timing(), parent=link)
                site.coordinators.append(one)
                self.run(one._listen())
                self.run(link.listen())
        for number in range(2):
            bus = self.broker.connect(f"parent{number}")
            timing = Timing(CYCLE_S, SITE_LEASE_NS / SECOND_NS)
            placement = None if wish is None else Placement(wish)
            one = Coordinator(
                bus,
                build_tree(parent_tree(self.together_w)),
                "all",
                self.now,
                random.Random(1),
                timing,
                placement=placement,
            )
            self.parents.append(one)
            self.run(one._listen())
        await self.settle()

    def run(self, work: object) -> None:
        self.tasks.append(asyncio.create_task(work))  # type: ignore[arg-type]

    async def settle(self) -> None:
        for _ in range(25):
            await asyncio.sleep(0)

    async def pass_s(self, seconds: int) -> None:
        for _ in range(seconds):
            second = self.broker.now_ns // SECOND_NS
            coordinators = [*self.parents, *(one for site in self.sites.values() for one in site.coordinators)]
            for site in self.sites.values():
                for side in site.sides:
                    if second % CYCLE_S == 0:
                        await side.tell()
                    side.look()
            for number, one in enumerate(coordinators):
                if one not in self.stopped and (second + number) % CYCLE_S == 0:
                    await one.look()
                    self.broker.advance(SECOND_NS // 100)
                    await self.settle()
            self.broker.advance(SECOND_NS - self.broker.now_ns % SECOND_NS)
            await self.settle()
            self.check()

    def check(self) -> None:
        assert sum(site.kept_w for site in self.sites.values()) <= self.together_w + 1e-6
        for site in self.sites.values():
            assert site.kept_w <= LIMIT_W + 1e-6

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def test_the_parent_moves_watts_to_the_site_that_needs_them() -> None:
    async def scene() -> None:
        world = Sites(together_w=2700.0)
        await world.open()
        east, west = world.sites["east"], world.sites["west"]
        west.want(110.0)
        await world.pass_s(700)  # what was wanted is forgotten slowly
        quiet_w = west.leader.limits_w(world.now())["room"]
        assert east.leader.limits_w(world.now())["room"] > quiet_w + 50
        assert east.kept_w > 2700.0 - LIMIT_W, "more than if both wanted all"
        east.want(110.0)
        west.want(300.0)
        await world.pass_s(700)
        assert west.leader.limits_w(world.now())["room"] > east.leader.limits_w(world.now())["room"] + 50
        assert west.kept_w > quiet_w
        assert not east.leader.desk.running, "a budget that falls is no emergency"
        await world.close()

    asyncio.run(scene())


def test_without_the_parent_each_site_keeps_its_last_budget_and_then_its_minimum() -> None:
    async def scene() -> None:
        world = Sites()
        await world.open()
        east = world.sites["east"]
        await world.pass_s(120)
        world.stopped += world.parents
        lasts_s = (SITE_LEASE_NS - FALL_BACK_NS) // SECOND_NS
        before_w = east.kept_w
        assert before_w > MINIMUM_W + 200
        await world.pass_s(int(0.7 * lasts_s))
        assert east.kept_w == pytest.approx(before_w, abs=150.0), "as long as its lease lasts"
        await world.pass_s(SITE_LEASE_NS // SECOND_NS)
        assert [site.kept_w <= MINIMUM_W for site in world.sites.values()] == [True, True]
        assert east.kept_w > 600.0 - 1e-6, "its bases"
        world.stopped.clear()
        await world.pass_s(120)
        assert east.kept_w > MINIMUM_W + 200
        await world.close()

    asyncio.run(scene())


def test_a_site_whose_leader_dies_trusts_its_minimum_until_the_parent_has_granted_to_the_new_one() -> None:
    async def scene() -> None:
        world = Sites()
        await world.open()
        east = world.sites["east"]
        await world.pass_s(120)
        old = east.leader
        world.stopped.append(old)
        new = next(one for one in east.coordinators if one is not old)
        assert new.parent is not None
        assert new.parent.root_limit_w(world.now()) == MINIMUM_W
        for _ in range(int(LEAD_S) + 2 * CYCLE_S):
            if new.leads:
                break
            await world.pass_s(1)
            assert new.leads or new.parent.budget is None
        assert new.leads
        assert new.limits_w(world.now())["room"] == MINIMUM_W, "nothing was granted to it"
        await world.pass_s(30)
        assert new.limits_w(world.now())["room"] > MINIMUM_W + 200
        assert east.kept_w > MINIMUM_W
        assert not world.parents[0].desk.running, "a take-over is no emergency of the parent"
        world.stopped = [new]  # the old one comes back and follows, then leads again: with a session of its own
        await world.pass_s(60)
        assert east.leader is old
        assert east.kept_w > MINIMUM_W
        await world.close()

    asyncio.run(scene())


def test_a_parent_that_dies_is_followed_by_another_one() -> None:
    async def scene() -> None:
        world = Sites()
        await world.open()
        east = world.sites["east"]
        await world.pass_s(120)
        before_w = east.kept_w
        world.stopped.append(next(one for one in world.parents if one.leads))
        for _ in range(200):
            await world.pass_s(1)
            assert east.leader.limits_w(world.now())["room"] > before_w - 150
        assert next(one for one in world.parents if one.leads) not in world.stopped
        await world.close()

    asyncio.run(scene())


def test_load_that_may_run_anywhere_goes_to_the_cheaper_site_with_room_and_stays() -> None:
    async def scene() -> None:
        world = Sites(together_w=3000.0)
        await world.open(Wish(load_w=400.0, costs={"east": 90.0, "west": 30.0}))
        east, west = world.sites["east"], world.sites["west"]
        east.want(110.0)
        west.want(110.0)
        await world.pass_s(400)

        def told() -> list[float]:
            return [round(site.leader.parent.deferred_w(world.now())) for site in (east, west)]  # type: ignore[union-attr]

        leader = next(one for one in world.parents if one.leads)
        assert leader.placement is not None
        assert told() == [0, 400]
        other = next(one for one in world.parents if not one.leads)
        assert other.placement is not None
        assert other.placement.placed_w["west"] == 400.0, "who takes over knows where it runs"
        cheaper_east = msgspec.json.encode(Wish(load_w=450.0, costs={"east": 10.0, "west": 30.0}))
        assert leader.hear_wish(Message(wish_topic("all"), cheaper_east, retained=True)) is None
        await world.pass_s(12)
        assert told() == [450, 0]
        world.stopped += world.parents
        await world.pass_s(310)
        assert told() == [0, 0], "what the parent said is over"
        await world.close()

    asyncio.run(scene())


def test_hostile_words_of_a_parent() -> None:
    async def scene() -> None:
        world = Sites()
        await world.open()
        await world.pass_s(60)
        leader = world.sites["east"].leader
        link = leader.parent
        assert link is not None
        limit_w = link.root_limit_w(world.now())
        topic = cap_topic("all", "east")
        forged = Grant(node="east", session=1, revision=Revision(99, 1), cap_w=LIMIT_W, until_ns=world.now())
        deferred = encode_deferred("east", 10.0)
        for message, refusal in [
            (Message(topic, encode(forged)), Refusal.WRONG_SESSION),
            (Message(topic, encode(forged), retained=True), Refusal.RETAINED),
            (Message(topic, encode(forged).replace(b'"cap_w":1600.0', b'"cap_w":NaN')), Refusal.MALFORMED),
            (Message(cap_topic("all", "west"), encode(forged)), Refusal.WRONG_NODE),
            (Message(deferred_topic("all", "east"), deferred, retained=True), Refusal.RETAINED),
            (Message(deferred_topic("all", "east"), encode_deferred("west", 10.0)), Refusal.WRONG_NODE),
        ]:
            before = link.refused.get(refusal, 0)
            assert link.take(message) is refusal
            assert link.refused[refusal] == before + 1
        assert link.root_limit_w(world.now()) == limit_w
        assert link.deferred_w(world.now()) == 0.0
        await world.close()

    asyncio.run(scene())


def encode_deferred(site: str, watts: float) -> bytes:
    return msgspec.json.encode(Deferred(site=site, watts=watts, for_s=60.0))


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"load_w":NaN,"costs":{}}', b'{"load_w":-1,"costs":{}}'])
def test_a_wish_that_is_none(payload: bytes) -> None:
    assert read_wish(payload) is Refusal.MALFORMED
    assert read_deferred(payload, "east") is Refusal.MALFORMED
