# SPDX-License-Identifier: Apache-2.0
"""Everything one machine decides, put together: messages and time go in, actions come out. No clock, no I/O.

The caller subscribes to `topics.patterns` after every connection and hands over each message with its leaf and node.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.fleet.node import documents
from agent.fleet.node.actions import Action, Happening, Persist, Publish, Tell
from agent.fleet.node.documents import Direction
from agent.fleet.node.duties import Duties
from agent.fleet.node.guards import Circumstances, GuardSettings, standing, used_by
from agent.fleet.node.heartbeat import Pulse
from agent.fleet.node.peers import Peers
from agent.fleet.node.refusal import Refusal, RefusalCounts, RefusedBecause
from agent.fleet.node.target import Around, Identity, Machine, Phase, TargetSettings
from agent.fleet.node.wake_sender import WakeSettings
from agent.fleet.node.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.fleet.node.desired import Remembered
    from agent.fleet.node.load import Shares
    from agent.fleet.node.switch import Switch
    from agent.fleet.node.topics import Leaf
    from agent.fleet.node.wake_ability import WakeAbility


HEARING_NS = 5_000_000_000
"""After a new connection nobody is woken for so long: what changed meanwhile is heard first."""
NOT_LOOKED = "it was not looked yet"


@dataclass(frozen=True, slots=True)
class Settings:
    target: TargetSettings
    guards: GuardSettings = field(default_factory=GuardSettings)
    wake: WakeSettings = field(default_factory=WakeSettings)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the caller finds out before each step. `actual` as in Around; a node itself is up."""

    uptime_ns: int
    ability: WakeAbility
    users: tuple[str, ...] | None
    pinned: str = ""
    actual: Direction | None = Direction.UP
    switches: tuple[Switch, ...] = ()
    """Of a board: what it could switch on for nodes that sleep."""
    reached: bool = True
    """The broker is: whoever is cut off does not know what is wanted now, and wakes nobody."""


class NodeCore:
    """One machine of a segment. Used from one thread; deterministic."""

    def __init__(
        self,
        identity: Identity,
        settings: Settings,
        remembered: Remembered,
        now_ns: int,
        known: Iterable[str] | None = None,
    ) -> None:
        """`now_ns`: the start of this program; what it promised before is covered by the guard `just-started`."""
        self.refusals = RefusalCounts()
        self.machine = Machine.started(identity, settings.target, remembered)
        self.peers = Peers(identity.segment, known)
        self._me = identity
        self.settings = settings
        self._started_ns = now_ns
        self._connected_ns = -HEARING_NS
        self.around = Around(unable=NOT_LOOKED)
        """What the last step saw."""
        self.switches: dict[str, str] = {}
        """Of a board: why it could not switch on each node just now; empty = it could."""
        promise_ns = settings.guards.promise_ns
        self.witness = Witness(identity.node, identity.segment, self.machine.remembered.start, bound_ns=promise_ns)
        self._pulse = Pulse(identity.node, identity.segment, identity.boot, self.machine.remembered.start)
        self.duties = Duties(identity.node, identity.segment, settings.wake, packets=settings.target.own)
        self.duties.pressed = {one.node: one for one in remembered.pressed}
        self.duties.stored = frozenset(remembered.pressed)

    # ------------------------------------------------------------------ messages

    def receive(self, leaf: Leaf, node: str, payload: bytes, now_ns: int, *, retained: bool) -> list[Action]:
        """One message on a topic of `node`. Never raises; what is refused is counted."""
        if not payload:
            return []  # somebody has cleared a retained topic
        document = documents.decode(payload, leaf, node)
        if isinstance(document, Refusal):
            self.refusals.add(document, now_ns)
            return []
        answer = self._stranger(document) or self._dispatch(document, now_ns, retained)
        if isinstance(answer, Refusal):
            self.refusals.add(answer, now_ns)
            return []
        return answer or []

    def _stranger(self, document: documents.Document) -> Refusal | None:
        """Whoever speaks, and of whom, must be of the segment."""
        others = {document.node, documents.speaker(document)} - {self._me.node}
        return next((refusal for name in sorted(others) if (refusal := self.peers.stranger(name))), None)

    def _dispatch(self, document: documents.Document, now_ns: int, retained: bool) -> list[Action] | Refusal | None:
        mine = document.node == self._me.node
        match document:
            case documents.Target() if mine:
                self.machine, refusal = self.machine.take(document)
                return refusal
            case documents.Report() if mine:
                return self._echo(document, retained)
            case documents.Heartbeat() | documents.Gone() if mine:
                return None
            case documents.Target():
                return self.peers.target(document, now_ns)
            case documents.Report():
                return self.peers.report(document, now_ns, retained=retained)
            case documents.Heartbeat():
                return self.peers.heartbeat(document, now_ns, retained=retained)
            case documents.Gone():
                return self.peers.gone(document, now_ns)
            case documents.WakeSent() | documents.WitnessAsked() | documents.WitnessPromised() if retained:
                return Refusal(RefusedBecause.STALE, f"retained: {documents.speaker(document)} does not say it now")
            case documents.WakeSent():
                return self.duties.heard(document, self.peers, now_ns)
            case documents.WitnessAsked():
                return self._asked(document, now_ns)
            case documents.WitnessPromised() if mine:
                self.witness, refusal = self.witness.answer(document)
                return refusal
        return None

    def _echo(self, document: documents.Report, retained: bool) -> list[Action] | Refusal:
        if document.start > max(self.machine.remembered.start, documents.MOST_STARTS):
            why = f"{document.node} is said to have started {document.start} times"
            return Refusal(RefusedBecause.IMPLAUSIBLE, why)
        rival = self.machine.rival
        self.machine = self.machine.echo(document, retained=retained)
        self._follow_start()
        if self.machine.rival == rival:
            return []
        return [Tell(Happening.NAME_TAKEN, self._me.node, self.machine.taken)]

    def _follow_start(self) -> None:
        """Heartbeats and questions carry the machine's start; promises that were given hold on."""
        start = self.machine.remembered.start
        self.witness, self._pulse = replace(self.witness, start=start), replace(self._pulse, start=start)

    def _asked(self, document: documents.WitnessAsked, now_ns: int) -> list[Action] | Refusal:
        able = self._wakes and not self.machine.rival
        settled, asking = able and self.machine.settled, able and self.machine.phase is Phase.ASKING
        self.witness, answer = self.witness.question(document, now_ns, settled=settled, asking=asking)
        if isinstance(answer, documents.WitnessPromised):
            return [Publish(answer)]
        return answer or []

    @property
    def _wakes(self) -> bool:
        """It helps to wake others, and so may be relied on to stay."""
        return self.settings.target.own or self.settings.target.stays

    def persisted(self, remembered: Remembered) -> None:
        self.machine = self.machine.persisted(remembered)
        self.duties.stored = frozenset(remembered.pressed)

    def handed_over(self, ok: bool, now_ns: int) -> None:
        """Whether the last heartbeat could be handed to the broker."""
        if not ok:
            self._pulse = self._pulse.failed(now_ns)

    def refused(self, why: str, now_ns: int) -> list[Action]:
        """What the machine was told, to go down or to come up, will not happen."""
        self.machine, actions = self.machine.refused(why, now_ns)
        return actions

    def connected(self, now_ns: int) -> None:
        """The broker is reached: life is told at once, in place of a will, and so is a report that it may not have."""
        self._connected_ns = now_ns
        self._pulse = self._pulse.hurried()
        self.machine = self.machine.hurried()

    def resumed(self, now_ns: int) -> None:
        """The operating system went on after a suspend. The caller connects and subscribes anew."""
        self.machine = self.machine.resumed()
        self._started_ns = now_ns
        self.witness = self.witness.cancel()
        self._follow_start()

    def will(self) -> documents.Gone:
        """For the broker. When it has changed, the caller connects anew: a will of an earlier start is not believed.

        From any thread.
        """
        return self._pulse.will()

    def load(self, number: int, shares: Shares, users: tuple[str, ...] | None) -> documents.Load:
        """How busy this machine is, for whoever decides which ones are needed; `number` rises."""
        return documents.Load(
            node=self._me.node,
            segment=self._me.segment,
            boot=self._me.boot,
            start=self.machine.remembered.start,
            number=number,
            cpu=shares.cpu,
            memory=shares.memory,
            busy=used_by(users),
        )

    # ------------------------------------------------------------------ time

    def settling_ns(self, now_ns: int) -> int:
        """How long it still waits after its start before it wakes anybody."""
        return max(self._started_ns + self.settings.wake.settle_ns - now_ns, 0)

    def step(self, now_ns: int, seen: Seen) -> list[Action]:
        """Decide; at least once a second, and after every message."""
        self.around = self._around(now_ns, seen)
        machine, decided = self.machine.step(now_ns, self.around)
        self.machine = machine
        actions = decided + self._ask(now_ns)
        if machine.phase not in (Phase.SLEEPING, Phase.LAST_REPORT):
            self._pulse, beat = self._pulse.step(now_ns, seen.uptime_ns)
            if beat is not None:
                actions.append(Publish(beat, retain=True))
            heard = self.settling_ns(now_ns) == 0 and now_ns >= self._connected_ns + HEARING_NS
            if self._wakes and machine.settled and seen.reached and heard:
                actions += self._help(now_ns, seen.switches)
        return actions

    def _help(self, now_ns: int, switches: tuple[Switch, ...]) -> list[Action]:
        """Wake others. A board whose name another one has, too, presses nothing: both would."""
        actions = self.duties.step(self.peers, now_ns, () if self.machine.rival else switches)
        pressed = tuple(self.duties.pressed.values())
        if pressed != self.machine.remembered.pressed:
            self.machine = replace(self.machine, remembered=replace(self.machine.remembered, pressed=pressed))
            actions.append(Persist(self.machine.remembered))
        return actions

    def _around(self, now_ns: int, seen: Seen) -> Around:
        machine = self.machine
        needs = self.settings.target.needs_witness
        circumstances = Circumstances(
            pinned=seen.pinned,
            users=seen.users,
            started_ns=self._started_ns if self.settings.target.own else None,
            on_since_ns=machine.on_since_ns,
            asked_by=machine.remembered.asked_by,
            promised_until_ns=self.witness.bound_until_ns,
            others_awake=bool(self.peers.keepers(self._me.node, now_ns)) if needs else None,
        )
        stands = standing(circumstances, self.settings.guards, now_ns)
        promised = self.witness.promised_until_ns
        unable = "" if self.peers.switched_by(self._me.node, now_ns) else seen.ability.why
        self.switches = self._look_at_switches(seen.switches, now_ns)
        wakes = tuple(node for node, lacks in self.switches.items() if not lacks)
        return Around(seen.actual, unable, stands, promised, seen.ability.macs, wakes)

    def _look_at_switches(self, switches: tuple[Switch, ...], now_ns: int) -> dict[str, str]:
        peers = {switch.node: self.peers.get(switch.node) for switch in switches}
        awake = {node for node, peer in peers.items() if peer is not None and peer.awake(now_ns)}
        return {switch.node: switch.lacks(awake=switch.node in awake) for switch in switches}

    def _ask(self, now_ns: int) -> list[Action]:
        if self.machine.phase is Phase.ASKING:
            candidates = self._candidates(now_ns)
            self.witness, question = self.witness.ask(candidates, now_ns)
            return [] if question is None else [Publish(question)]
        if self.machine.phase is Phase.RESTING:
            self.witness = self.witness.cancel()
        return []

    def _candidates(self, now_ns: int) -> list[str]:
        """Whom to ask: those that stay first, and of the others every awake one."""
        keepers = self.peers.keepers(self._me.node, now_ns)
        found = [(name, self.peers.get(name)) for name in keepers]
        staying = [name for name, peer in found if peer is not None and peer.staying(now_ns)]
        return staying or list(keepers)
