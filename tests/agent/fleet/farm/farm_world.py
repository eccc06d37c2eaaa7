# SPDX-License-Identifier: Apache-2.0
"""A farm with its real automation and real node cores, over a broker that loses, delays, repeats and reorders.

Machines boot, crash and sleep; everything they may do is checked where they do it.
"""

from __future__ import annotations

import datetime
import enum
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from agent.fleet.bus import BusError
from agent.fleet.farm.memory_file import MemoryFile
from agent.fleet.farm.program import Farm
from agent.fleet.farm.tables import FarmFile, FarmTable, farm_file
from agent.fleet.farm.waiting_work import Demand, demand_topic
from agent.fleet.memory_bus import MemoryBroker, Weather
from agent.fleet.node.actions import Burst, Persist, Publish, Sleep, Tell
from agent.fleet.node.core import NodeCore, Seen, Settings
from agent.fleet.node.desired import Remembered
from agent.fleet.node.documents import LEAF_OF, Asker, Direction, Document, Target, encode
from agent.fleet.node.load import Shares
from agent.fleet.node.target import OWN_NODE, Identity
from agent.fleet.node.topics import Leaf, patterns, place, topic
from agent.fleet.node.wake_ability import WakeAbility

if TYPE_CHECKING:
    from pathlib import Path

    from agent.fleet.memory_bus import _Subscription
    from agent.fleet.node.actions import Action
    from agent.profile.problem import Problem

S = 1_000_000_000
SEGMENT = "hall"
TICK_NS = 3 * S
RESUBSCRIBE_NS = 300 * S
LOAD_NS = 60 * S
BAD = Weather(loss=0.1, duplication=0.1, least_delay_ns=0, most_delay_ns=8 * S)
IDLE = Shares(0.05, 0.05)
MIDNIGHT = datetime.datetime(2026, 3, 1)


class Power(enum.Enum):
    OFF = enum.auto()
    BOOTING = enum.auto()
    RUNNING = enum.auto()
    GOING_DOWN = enum.auto()


@dataclass
class Box:
    """A machine. `disk` outlives its crashes."""

    name: str
    mac: str
    power: Power = Power.OFF
    until_ns: int = 0
    booted_ns: int = 0
    disk: Remembered = field(default_factory=Remembered)
    core: NodeCore | None = None
    heard: list[_Subscription] = field(default_factory=list)
    subscribed_ns: int = 0
    told_ns: int = 0
    loads: int = 0
    boots: int = 0
    dead: bool = False
    """No packet wakes it."""
    shares: Shares = IDLE
    users: tuple[str, ...] = ()


class World:
    """Time moves by `run` only."""

    def __init__(self, folder: Path, names: list[str], seed: int, weather: Weather = BAD, **farm: Any) -> None:
        self.random = random.Random(seed)
        self.broker = MemoryBroker(self.random, weather)
        self.folder = folder
        self.boxes = {name: Box(name, f"02:00:00:00:00:{number:02x}") for number, name in enumerate(names)}
        nodes = {name: {"segment": SEGMENT, "cpu": 10, "memory": 100} for name in names}
        quiet = {"random_per_month": 0, "unseen_s": 20 * 86_400}
        self.file = self._farm_file({"nodes": nodes, **quiet, **farm})
        self.farms: dict[str, Farm] = {}
        self._ears: dict[str, list[_Subscription]] = {}
        self._subscribed_ns = 0
        self.sleeps: Counter[str] = Counter()
        self.wanted: list[Target] = []
        """All that the automation wrote, in order."""
        self.most_waking = 0
        self._owner = self.broker.connect("owner")
        for box in self.boxes.values():
            self._boot(box)

    def _farm_file(self, table: dict[str, Any]) -> FarmFile:
        problems: list[Problem] = []
        found = farm_file(msgspec.convert(table, FarmTable), (), problems)
        assert problems == []
        return found

    # ------------------------------------------------------------------ what tests do

    def start_farm(self, name: str) -> Farm:
        memory = MemoryFile(self.folder / f"{name}.json", "boot")
        farm = Farm(self.broker.connect(name), self.file, SEGMENT, memory, lambda: self.broker.now_ns, self.local)
        self.farms[name] = farm
        self._ears[name] = []
        self._subscribed_ns = 0
        return farm

    def kill_farm(self, name: str) -> None:
        del self.farms[name]
        for subscription in self._ears.pop(name):
            self.broker.remove(subscription)

    def local(self) -> datetime.datetime:
        return MIDNIGHT + datetime.timedelta(microseconds=self.broker.now_ns // 1000)

    async def demand(self, source: str, **amounts: float) -> None:
        document = Demand(source=source, for_s=86_400, **amounts)
        await self._owner.publish(demand_topic(SEGMENT, source), msgspec.json.encode(document), retain=True)

    async def no_demand(self, source: str) -> None:
        await self.demand(source)

    async def person_wants(self, node: str, target: Direction, revision: int) -> None:
        document = Target(node=node, target=target, revision=revision, asked_by=Asker.PERSON)
        await self._owner.publish(topic(SEGMENT, node, Leaf.TARGET), encode(document), retain=True)

    def crash(self, name: str, *, reboot: bool) -> None:
        box = self.boxes[name]
        if box.core is None:
            return
        will = box.core.will()
        self._end(box)
        self.broker.send(topic(SEGMENT, name, Leaf.ALIVE), encode(will), retain=True)
        if reboot:
            box.power, box.until_ns = Power.BOOTING, self.broker.now_ns + 60 * S

    async def run(self, hours: float) -> None:
        end_ns = self.broker.now_ns + int(hours * 3600 * S)
        while self.broker.now_ns < end_ns:
            self.broker.advance(TICK_NS)
            for box in self.boxes.values():
                await self._tick(box)
            await self._tick_farms()
            waking = sum(self._should_wake(box) for box in self.boxes.values())
            self.most_waking = max(self.most_waking, waking)

    def up(self) -> set[str]:
        return {box.name for box in self.boxes.values() if box.power is Power.RUNNING}

    def boots(self) -> dict[str, int]:
        return {box.name: box.boots for box in self.boxes.values()}

    def target(self, name: str) -> Target | None:
        """What the broker retains."""
        payload = self.broker._retained.get(topic(SEGMENT, name, Leaf.TARGET))
        return None if payload is None else msgspec.json.decode(payload, type=Target)

    # ------------------------------------------------------------------ steps

    async def _tick_farms(self) -> None:
        if self.broker.now_ns >= self._subscribed_ns + RESUBSCRIBE_NS or not self._subscribed_ns:
            self._subscribed_ns = self.broker.now_ns
            for name, farm in self.farms.items():
                self._ears[name] += [self.broker.add(name, pattern) for pattern in farm.patterns]
                for old in self._ears[name][: -2 * len(farm.patterns)]:
                    self.broker.remove(old)
                    self._ears[name].remove(old)
        for name, farm in self.farms.items():
            for subscription in self._ears[name]:
                while not subscription.queue.empty():
                    farm.hear(subscription.queue.get_nowait())
            before = dict(self.broker._retained)
            await farm.cycle()
            for node in self.boxes:
                where = topic(SEGMENT, node, Leaf.TARGET)
                payload = self.broker._retained.get(where)
                if payload is not None and payload != before.get(where):
                    self.wanted.append(msgspec.json.decode(payload, type=Target))

    async def _tick(self, box: Box) -> None:
        now_ns = self.broker.now_ns
        if box.power is Power.BOOTING and now_ns >= box.until_ns:
            self._boot(box)
        elif box.power is Power.GOING_DOWN and now_ns >= box.until_ns:
            self._end(box)
        core = box.core
        if core is None:
            return
        if now_ns >= box.subscribed_ns + RESUBSCRIBE_NS:
            self._subscribe(box)
        for subscription in box.heard:
            while not subscription.queue.empty() and box.core is core:
                message = subscription.queue.get_nowait()
                found = place(message.topic)
                assert found is not None
                _, node, leaf = found
                own_ns = now_ns - box.booted_ns
                await self._do(box, core.receive(leaf, node, message.payload, own_ns, retained=message.retained))
        seen = Seen(now_ns - box.booted_ns, WakeAbility((box.mac,), ""), box.users)
        await self._do(box, core.step(now_ns - box.booted_ns, seen))
        if core.machine.settled and now_ns >= box.told_ns + LOAD_NS:
            box.told_ns, box.loads = now_ns, box.loads + 1
            await self._publish(box, core.load(box.loads, box.shares, box.users), retain=True)

    async def _do(self, box: Box, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Publish(document, retain):
                    await self._publish(box, document, retain=retain)
                case Persist(remembered):
                    box.disk = remembered
                    if box.core is not None:
                        box.core.persisted(remembered)
                case Sleep():
                    self._sleep(box)
                case Burst(node, macs, _, _, announcement):
                    self._burst(node, macs)
                    await self._publish(box, announcement, retain=False)
                case Tell():
                    pass
                case _:
                    raise AssertionError(action)

    async def _publish(self, box: Box, document: Document, *, retain: bool) -> None:
        try:
            bus = self.broker.connect(box.name)
            name = topic(SEGMENT, document.node, LEAF_OF[type(document)])
            await bus.publish(name, encode(document), retain=retain)
        except BusError:
            pass  # it is said again

    def _sleep(self, box: Box) -> None:
        assert box.users == (), f"{box.name} is in use"
        others = [other for other in self.boxes.values() if other is not box]
        assert any(other.power is Power.RUNNING for other in others), f"{box.name} leaves nobody awake"
        self.sleeps[box.name] += 1
        box.power, box.until_ns = Power.GOING_DOWN, self.broker.now_ns + 10 * S

    def _burst(self, node: str, macs: tuple[str, ...]) -> None:
        box = self.boxes[node]
        lost = box.dead or self.random.random() < 0.2
        if box.power is Power.OFF and box.mac in macs and not lost:
            box.power, box.until_ns = Power.BOOTING, self.broker.now_ns + self.random.randrange(60, 120) * S

    def _boot(self, box: Box) -> None:
        box.boots += 1
        box.power, box.booted_ns, box.loads = Power.RUNNING, self.broker.now_ns, 0
        box.core = NodeCore(
            Identity(box.name, SEGMENT, f"{box.name}-{box.boots}"), Settings(OWN_NODE), box.disk, 0, self.boxes
        )
        self._subscribe(box)

    def _subscribe(self, box: Box) -> None:
        for subscription in box.heard:
            self.broker.remove(subscription)
        box.subscribed_ns = self.broker.now_ns
        box.heard = [self.broker.add(box.name, pattern) for pattern in patterns(SEGMENT)]

    def _end(self, box: Box) -> None:
        for subscription in box.heard:
            self.broker.remove(subscription)
        box.heard, box.core, box.power = [], None, Power.OFF

    def _should_wake(self, box: Box) -> bool:
        target = self.target(box.name)
        return target is not None and target.target is Direction.UP and box.power in (Power.OFF, Power.BOOTING)
