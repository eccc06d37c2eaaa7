# SPDX-License-Identifier: Apache-2.0
"""Everything one machine decides, put together: messages and time go in, actions come out. No clock, no I/O.

The caller subscribes to `topics.patterns` after every connection and hands over each message with its leaf and node.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.fleet.node import documents
from agent.fleet.node.actions import Action, Happening, Publish, Tell
from agent.fleet.node.documents import Direction
from agent.fleet.node.duties import Duties
from agent.fleet.node.guards import Circumstances, GuardSettings, standing, used_by
from agent.fleet.node.heartbeat import Pulse
from agent.fleet.node.peers import Peers
from agent.fleet.node.refusal import Refusal, RefusalCounts
from agent.fleet.node.target import Around, Identity, Machine, Phase, TargetSettings
from agent.fleet.node.wake_sender import WakeSettings
from agent.fleet.node.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.fleet.node.desired import Remembered
    from agent.fleet.node.load import Shares
    from agent.fleet.node.topics import Leaf
    from agent.fleet.node.wake_ability import WakeAbility


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
        self._settings = settings
        self._started_ns = now_ns
        promise_ns = settings.guards.promise_ns
        self._witness = Witness(identity.node, identity.segment, self.machine.remembered.start, bound_ns=promise_ns)
        self._pulse = Pulse(identity.node, identity.segment, identity.boot, self.machine.remembered.start)
        self._duties = Duties(identity.node, identity.segment, settings.wake)

    # ------------------------------------------------------------------ messages

    def receive(self, leaf: Leaf, node: str, payload: bytes, now_ns: int, *, retained: bool) -> list[Action]:
        """One message on a topic of `node`. Never raises; what is refused is counted."""
        if not payload:
            return []  # somebody has cleared a retained topic
        document = documents.decode(payload, leaf, node)
        if isinstance(document, Refusal):
            self.refusals.add(document)
            return []
        answer = self._dispatch(document, now_ns, retained)
        if isinstance(answer, Refusal):
            self.refusals.add(answer)
            return []
        return answer or []

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
            case documents.WakeSent():
                return self._duties.heard(document, self.peers, now_ns)
            case documents.WitnessAsked() if not retained:
                return self._asked(document, now_ns)
            case documents.WitnessPromised() if mine and not retained:
                self._witness, refusal = self._witness.answer(document)
                return refusal
        return None

    def _echo(self, document: documents.Report, retained: bool) -> list[Action]:
        rival = self.machine.rival
        self.machine = self.machine.echo(document, retained=retained)
        self._follow_start()
        if self.machine.rival == rival:
            return []
        why = (
            f"another machine reports as {self._me.node}, with boot {self.machine.rival}: give one of them another name"
        )
        return [Tell(Happening.NAME_TAKEN, self._me.node, why)]

    def _follow_start(self) -> None:
        """Heartbeats and questions carry the machine's start; promises that were given hold on."""
        start = self.machine.remembered.start
        self._witness, self._pulse = replace(self._witness, start=start), replace(self._pulse, start=start)

    def _asked(self, document: documents.WitnessAsked, now_ns: int) -> list[Action] | Refusal:
        able = self._settings.target.own and not self.machine.rival
        settled, asking = able and self.machine.settled, able and self.machine.phase is Phase.ASKING
        self._witness, answer = self._witness.question(document, now_ns, settled=settled, asking=asking)
        if isinstance(answer, documents.WitnessPromised):
            return [Publish(answer)]
        return answer or []

    def persisted(self, remembered: Remembered) -> None:
        self.machine = self.machine.persisted(remembered)

    def handed_over(self, ok: bool, now_ns: int) -> None:
        """Whether the last heartbeat could be handed to the broker."""
        if not ok:
            self._pulse = self._pulse.failed(now_ns)

    def resumed(self, now_ns: int) -> None:
        """The operating system went on after a suspend. The caller connects and subscribes anew."""
        self.machine = self.machine.resumed()
        self._started_ns = now_ns
        self._witness = self._witness.cancel()
        self._follow_start()

    def will(self) -> documents.Gone:
        """For the broker. When it has changed, the caller connects anew: a will of an earlier start is not believed."""
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

    def step(self, now_ns: int, seen: Seen) -> list[Action]:
        """Decide; at least once a second, and after every message."""
        machine, decided = self.machine.step(now_ns, self._around(now_ns, seen))
        self.machine = machine
        actions = decided + self._ask(now_ns)
        if machine.phase not in (Phase.SLEEPING, Phase.LAST_REPORT):
            self._pulse, beat = self._pulse.step(now_ns, seen.uptime_ns)
            if beat is not None:
                actions.append(Publish(beat, retain=True))
            sends = self._settings.target.own and machine.settled
            if sends and now_ns >= self._started_ns + self._settings.wake.settle_ns:
                actions += self._duties.step(self.peers, now_ns)
        return actions

    def _around(self, now_ns: int, seen: Seen) -> Around:
        machine = self.machine
        needs = self._settings.target.needs_witness
        circumstances = Circumstances(
            pinned=seen.pinned,
            users=seen.users,
            started_ns=self._started_ns if self._settings.target.own else None,
            on_since_ns=machine.on_since_ns,
            asked_by=machine.remembered.asked_by,
            promised_until_ns=self._witness.bound_until_ns,
            others_awake=bool(self.peers.senders(now_ns)) if needs else None,
        )
        stands = standing(circumstances, self._settings.guards, now_ns)
        promised = self._witness.promised_until_ns
        return Around(seen.actual, seen.ability.why, stands, promised, seen.ability.macs)

    def _ask(self, now_ns: int) -> list[Action]:
        if self.machine.phase is Phase.ASKING:
            candidates = self._candidates(now_ns)
            self._witness, question = self._witness.ask(candidates, now_ns)
            return [] if question is None else [Publish(question)]
        if self.machine.phase is Phase.RESTING:
            self._witness = self._witness.cancel()
        return []

    def _candidates(self, now_ns: int) -> list[str]:
        """Whom to ask: those that stay first, and of the others every awake one."""
        senders = [peer for peer in self.peers.all() if peer.sends(now_ns)]
        staying = [peer.node for peer in senders if peer.staying(now_ns)]
        return staying or [peer.node for peer in senders]
