# SPDX-License-Identifier: Apache-2.0
"""A simulated segment: machines that crash, hang and boot, and a broker that loses, delays, repeats and reorders.

Every machine has a clock of its own that begins anew with each boot and runs a little fast or slow. Magic packets are
lost, too, and wake only machines that are off and armed. Boards are always on and switch the machines wired to them.
"""

from __future__ import annotations

import enum
import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from agent.fleet.node.actions import Action, Burst, Persist, PowerOn, Publish, Sleep, Tell, Wake
from agent.fleet.node.core import NodeCore, Seen, Settings
from agent.fleet.node.desired import Pressed, Remembered
from agent.fleet.node.documents import LEAF_OF, Asker, Direction, Report, Target, WakeSent, encode
from agent.fleet.node.guards import GuardSettings
from agent.fleet.node.switch import Switch
from agent.fleet.node.target import BOARD, OWN_NODE, Identity, Phase
from agent.fleet.node.topics import RETAINED, Leaf
from agent.fleet.node.wake_ability import WakeAbility

S = 1_000_000_000
SEGMENT = "hall"
SETTINGS = Settings(OWN_NODE, GuardSettings(changed_ns=300 * S))
BOARD_SETTINGS = Settings(BOARD)
RESUBSCRIBE_S = 300
TICK_S = 2.0


class Power(enum.Enum):
    OFF = enum.auto()
    BOOTING = enum.auto()
    RUNNING = enum.auto()
    GOING_DOWN = enum.auto()


@dataclass
class Faults:
    loss: float = 0.1
    duplicates: float = 0.1
    delay_s: float = 8.0
    packet_loss: float = 0.6
    press_loss: float = 0.0
    """How often a press switches nothing on."""
    hang: float = 0.0
    """How often a shutdown hangs and the machine stays up."""


@dataclass
class Box:
    """A machine. `disk` outlives crashes; `clock` does not."""

    name: str
    power: Power = Power.OFF
    until_s: float = 0.0
    disk: Remembered = field(default_factory=Remembered)
    core: NodeCore | None = None
    boots: int = 0
    booted_s: float = 0.0
    rate: float = 1.0
    offset_ns: int = 0
    able: bool = True
    pinned: str = ""
    users: tuple[str, ...] | None = ()
    writes: list[tuple[float, Remembered]] = field(default_factory=list)
    subscribe_s: float = 0.0
    wired: tuple[str, ...] = ()
    """It is a board, which switches these."""
    senses: bool = True
    """Whether a board sees the power of what it switches."""
    crashed_s: float = -1e9
    """When it went down without being asked, or its program died."""

    def now_ns(self, now_s: float) -> int:
        return self.offset_ns + int((now_s - self.booted_s) * self.rate * S)

    @property
    def staying(self) -> bool:
        """Awake, and not told to go."""
        return self.power is Power.RUNNING and self.core is not None and self.core.machine.phase is not Phase.SLEEPING


class Segment:
    def __init__(
        self,
        names: list[str],
        seed: int,
        faults: Faults | None = None,
        boards: dict[str, tuple[str, ...]] | None = None,
        cards: bool = True,
    ) -> None:
        """`boards`: what each switches. `cards`: whether magic packets wake the others."""
        self.random = random.Random(seed)
        self.faults = faults or Faults()
        self.now_s = 0.0
        self.boxes = {name: Box(name, able=cards) for name in names}
        self.boxes |= {name: Box(name, able=False, wired=wired) for name, wired in (boards or {}).items()}
        self.presses: Counter[tuple[str, str, int, int]] = Counter()
        """By board, node, revision and attempt."""
        self.retained: dict[tuple[Leaf, str], bytes] = {}
        self.wanted: dict[str, Target] = {}
        self.changed_s: dict[str, float] = {}
        self.bursts: Counter[tuple[str, int]] = Counter()
        self.burst_log: list[tuple[float, str, str]] = []
        self.sleeps: Counter[str] = Counter()
        self.published: Counter[str] = Counter()
        self.told: list[Tell] = []
        self._flying: list[tuple[float, int, str, Leaf, str, bytes, bool]] = []
        self._number = 0
        for box in self.boxes.values():
            self._start(box)

    # ------------------------------------------------------------------ what tests do

    def want(self, node: str, target: Direction, asked_by: Asker = Asker.AUTOMATION) -> None:
        """The owner writes a new target; it is retained at once."""
        before = self.wanted.get(node)
        document = Target(
            node=node, target=target, revision=1 if before is None else before.revision + 1, asked_by=asked_by
        )
        self.wanted[node], self.changed_s[node] = document, self.now_s
        self._fan_out(Leaf.TARGET, node, encode(document))

    def replay(self, node: str, document: Target) -> None:
        """Somebody plays an old target back, not retained."""
        for name in self.boxes:
            self._send(name, Leaf.TARGET, node, encode(document), retained=False)

    def crash(self, name: str, *, reboot: bool) -> None:
        """Power is lost at once; a write to the disk that has not ended is lost."""
        box = self.boxes[name]
        if box.power is Power.OFF:
            return
        box.core, box.writes, box.crashed_s = None, [], self.now_s
        box.power, box.until_s = (Power.BOOTING, self.now_s + 60) if reboot else (Power.OFF, 0.0)
        self._will(box)

    def restart_program(self, name: str) -> None:
        box = self.boxes[name]
        if box.core is not None and box.power is Power.RUNNING:
            box.writes, box.crashed_s = [], self.now_s
            self._run_program(box)

    def run(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += TICK_S
            self._deliver()
            for box in self.boxes.values():
                self._tick(box)

    def up(self) -> set[str]:
        return {box.name for box in self.boxes.values() if box.staying}

    def power_of(self, name: str) -> Power:
        return self.boxes[name].power

    def report_of(self, name: str) -> Report:
        return msgspec.json.decode(self.retained[Leaf.REPORT, name], type=Report)

    # ------------------------------------------------------------------ machines

    def _start(self, box: Box) -> None:
        box.boots += 1
        box.power, box.booted_s = Power.RUNNING, self.now_s
        box.rate = 1 + self.random.uniform(-0.0005, 0.0005)
        box.offset_ns = self.random.randrange(0, 60 * S)
        self._run_program(box)

    def _run_program(self, box: Box) -> None:
        me = Identity(box.name, SEGMENT, f"boot-{box.name}-{box.boots}")
        settings = BOARD_SETTINGS if box.wired else SETTINGS
        box.core = NodeCore(me, settings, box.disk, box.now_ns(self.now_s), self.boxes)
        box.subscribe_s = self.now_s

    def _tick(self, box: Box) -> None:
        if box.power is Power.BOOTING and self.now_s >= box.until_s:
            self._start(box)
        elif box.power is Power.GOING_DOWN and self.now_s >= box.until_s:
            box.power, box.core, box.writes = Power.OFF, None, []
        core = box.core
        if core is None:
            return
        for due_s, remembered in box.writes[:]:
            if self.now_s >= due_s:
                box.writes.remove((due_s, remembered))
                box.disk = remembered
                core.persisted(remembered)
        if self.now_s >= box.subscribe_s:
            box.subscribe_s = self.now_s + RESUBSCRIBE_S
            for (leaf, node), payload in self.retained.items():
                self._send(box.name, leaf, node, payload, retained=True)
        self._carry_out(box, core.step(box.now_ns(self.now_s), self.seen(box)))

    def seen(self, box: Box) -> Seen:
        ability = WakeAbility((_mac(box.name),), "") if box.able else WakeAbility((), "eth0 has no link")
        uptime_ns = int((self.now_s - box.booted_s) * S)
        return Seen(uptime_ns, ability, box.users, box.pinned, switches=self._switches(box))

    def _switches(self, box: Box) -> tuple[Switch, ...]:
        def power(node: str) -> Direction | None:
            if not box.senses:
                return None
            return Direction.DOWN if self.boxes[node].power is Power.OFF else Direction.UP

        return tuple(Switch(node, power(node)) for node in box.wired)

    def _carry_out(self, box: Box, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Publish(document, retain):
                    leaf = LEAF_OF[type(document)]
                    assert retain == (leaf in RETAINED), action
                    self.published[box.name] += 1
                    if self.random.random() >= self.faults.loss:
                        self._fan_out(leaf, document.node, encode(document))
                case Persist(remembered):
                    box.writes.append((self.now_s + self.random.uniform(0, 2), remembered))
                case Sleep():
                    self._sleep(box)
                case Burst(node, macs, count, _, announcement):
                    self._burst(box, node, macs, count)
                    self._carry_out(box, [Publish(announcement)])
                case PowerOn(node, _, announcement):
                    self._press(box, announcement)
                    self._carry_out(box, [Publish(announcement)])
                case Tell():
                    self.told.append(action)
                case Wake():
                    raise AssertionError("a node cannot switch itself on")

    def _sleep(self, box: Box) -> None:
        """The promises of the system, checked where they matter."""
        assert box.core is not None
        assert not box.pinned, f"{box.name} is pinned"
        assert box.users == (), f"{box.name} is in use"
        assert box.able or self._switched(box.name), f"{box.name} could not be woken"
        assert box.core.machine.remembered.target is Direction.DOWN
        assert box.disk.slept, "the intent is not on the disk"
        last = self.report_of(box.name)
        assert last.last, "the last report is not with the broker"
        assert last.state is Direction.DOWN
        others = [other for other in self.boxes.values() if other is not box]
        shaken = any(self.now_s - other.crashed_s < 130 for other in others)
        assert shaken or any(other.staying for other in others), f"{box.name} leaves nobody awake"
        self.sleeps[box.name] += 1
        if self.random.random() >= self.faults.hang:
            box.power, box.until_s = Power.GOING_DOWN, self.now_s + self.random.uniform(3, 40)

    def _switched(self, name: str) -> bool:
        """A board could switch it on, or could a moment ago."""
        boards = [box for box in self.boxes.values() if name in box.wired]
        return any(board.power is Power.RUNNING or self.now_s - board.crashed_s < 300 for board in boards)

    def _burst(self, box: Box, node: str, macs: tuple[str, ...], count: int) -> None:
        target = self.wanted[node]
        self.bursts[node, target.revision] += 1
        self.burst_log.append((self.now_s, box.name, node))
        sleeper = self.boxes[node]
        arrives = any(self.random.random() >= self.faults.packet_loss for _ in range(count))
        if arrives and _mac(node) in macs and sleeper.power is Power.OFF and sleeper.able:
            sleeper.power, sleeper.until_s = Power.BOOTING, self.now_s + self.random.uniform(30, 120)

    def _press(self, board: Box, sent: WakeSent) -> None:
        """The promises about a switch, checked where they matter."""
        assert sent.node in board.wired
        assert board.senses, "pressed blindly"
        sleeper = self.boxes[sent.node]
        assert sleeper.power is Power.OFF, f"{sent.node} is on: a press would act on a running machine"
        assert self.wanted[sent.node].target is Direction.UP or self.now_s < self.changed_s[sent.node] + 600
        assert Pressed(sent.node, sent.revision, sent.attempt) in board.disk.pressed, "not on the disk before"
        self.presses[board.name, sent.node, sent.revision, sent.attempt] += 1
        if self.random.random() >= self.faults.press_loss:
            sleeper.power, sleeper.until_s = Power.BOOTING, self.now_s + self.random.uniform(30, 120)

    # ------------------------------------------------------------------ the broker

    def _will(self, box: Box) -> None:
        will = NodeCore(Identity(box.name, SEGMENT, f"boot-{box.name}-{box.boots}"), SETTINGS, box.disk, 0).will()
        known = (
            will
            if box.disk.start == 0
            else type(will)(node=will.node, segment=will.segment, boot=will.boot, start=box.disk.start)
        )
        self._fan_out(Leaf.ALIVE, box.name, encode(known))

    def _fan_out(self, leaf: Leaf, node: str, payload: bytes) -> None:
        if leaf in RETAINED:
            self.retained[leaf, node] = payload
        for name in self.boxes:
            self._send(name, leaf, node, payload, retained=False)

    def _send(self, to: str, leaf: Leaf, node: str, payload: bytes, *, retained: bool) -> None:
        for _ in range(2 if self.random.random() < self.faults.duplicates else 1):
            if self.random.random() < self.faults.loss:
                continue
            self._number += 1
            due_s = self.now_s + self.random.uniform(0, self.faults.delay_s)
            heapq.heappush(self._flying, (due_s, self._number, to, leaf, node, payload, retained))

    def _deliver(self) -> None:
        while self._flying and self._flying[0][0] <= self.now_s:
            _, _, to, leaf, node, payload, retained = heapq.heappop(self._flying)
            box = self.boxes[to]
            if box.core is not None and box.power is not Power.OFF:
                now_ns = box.now_ns(self.now_s)
                self._carry_out(box, box.core.receive(leaf, node, payload, now_ns, retained=retained))


def _mac(name: str) -> str:
    return "02:00:00:00:00:" + format(sum(name.encode()) & 0xFF, "02x")
