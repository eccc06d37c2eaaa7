# SPDX-License-Identifier: Apache-2.0
"""The nodes that one awake node helps to wake: begins and ends their attempts from what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.fleet.node import wake_sender
from agent.fleet.node.actions import Action, Burst, Happening, PowerOn, Tell
from agent.fleet.node.desired import Pressed
from agent.fleet.node.documents import Direction, WakeSent
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.wake_sender import Crew, Duty, GivingUp, Sending, WakeSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.fleet.node.peers import Peer, Peers
    from agent.fleet.node.switch import Switch


@dataclass(slots=True)
class Duties:
    """Deterministic; the caller gives the time.

    A switch is used at most once per attempt, also over restarts: `pressed` says what is about to be done, and is done
    only after it was `stored`.
    """

    me: str
    segment: str
    settings: WakeSettings
    packets: bool
    """It can send magic packets."""
    pressed: dict[str, Pressed] = field(default_factory=dict)
    """The last attempt for each node that is switched from here."""
    stored: frozenset[Pressed] = frozenset()
    """What of that is on the disk."""
    _of: dict[str, Duty] = field(default_factory=dict)
    _announced: dict[str, Duty] = field(default_factory=dict)
    """The last attempt heard of for nodes that are not missing here yet: whoever misses them later begins with that."""

    def all(self) -> tuple[Duty, ...]:
        """The attempts for nodes that are missing, by name."""
        return tuple(self._of[node] for node in sorted(self._of))

    def heard(self, document: WakeSent, peers: Peers, now_ns: int) -> Refusal | None:
        """Another one has announced that it has made an attempt."""
        if document.segment != self.segment:
            return Refusal(RefusedBecause.OTHER_SEGMENT, f"{document.sender} wakes in {document.segment!r}")
        peer, duty = peers.get(document.node), self._of.get(document.node)
        if peer is None or peer.target is None or document.sender == self.me:
            return None
        if duty is None:
            duty = Duty.begin(document.node, peer.target.revision, now_ns)
        known = wake_sender.heard(duty, document, self.settings, now_ns)
        if isinstance(known, Refusal):
            return known
        (self._of if document.node in self._of else self._announced)[document.node] = known
        return None

    def step(self, peers: Peers, now_ns: int, switches: Iterable[Switch] = ()) -> list[Action]:
        """Attempts that are due here now. `switches` are those of this board."""
        held = {switch.node: switch for switch in switches}
        senders, boards, wired = peers.senders(now_ns), peers.boards(now_ns), peers.wired() | held.keys()
        actions: list[Action] = []
        for peer in peers.all():
            target, awake = peer.target, peer.awake(now_ns)
            if awake:
                self.pressed.pop(peer.node, None)
            if target is None or target.target is Direction.DOWN or peer.overtaken or awake:
                self._of.pop(peer.node, None)
            elif peer.missing(now_ns) and (peer.node in wired or (peer.report is not None and peer.report.macs)):
                switch = held.get(peer.node)
                crew = self._crew(peer, senders, boards, switch)
                actions += self._wake(peer, target.revision, crew, switch, now_ns)
        return actions

    def _crew(
        self, peer: Peer, senders: tuple[str, ...], boards: Mapping[str, frozenset[str]], switch: Switch | None
    ) -> Crew:
        others = tuple(board for board, woken in boards.items() if peer.node in woken)
        mine = (self.me,) if switch is not None and switch.proven(awake=False) else ()
        if peer.report is None or not peer.report.macs:
            return Crew((), (*others, *mine))
        return Crew((*senders, self.me) if self.packets else senders, (*others, *mine))

    def _wake(self, peer: Peer, revision: int, crew: Crew, switch: Switch | None, now_ns: int) -> list[Action]:
        duty = self._of.get(peer.node)
        if duty is None or duty.revision != revision:
            duty = self._begin(peer.node, revision, now_ns)
        self._of[peer.node], turn = wake_sender.step(duty, self.me, crew, self.settings, now_ns)
        match turn:
            case Sending(attempt) if switch is not None:
                return self._switch_on(switch, revision, attempt)
            case Sending(attempt):
                macs = () if peer.report is None else peer.report.macs
                sent = self._announcement(peer.node, revision, attempt)
                return [Burst(peer.node, macs, self.settings.packets, self.settings.gap_ns, sent)]
            case GivingUp(attempts):
                why = f"{peer.node} did not come up after {attempts} attempts to wake it"
                return [Tell(Happening.NOT_AWAKE, peer.node, why)]
            case None:
                return []

    def _switch_on(self, switch: Switch, revision: int, attempt: int) -> list[Action]:
        """Its turn has come: first what is to be done is stored, then it is done. A machine that runs is left alone."""
        node, about = switch.node, Pressed(switch.node, revision, attempt)
        stored = about in self.stored
        if not switch.ready or not stored:
            self._of[node] = replace(self._of[node], sent=False)
            if switch.ready:
                self.pressed[node] = about
            return []
        reason = f"to wake {node}: target up, revision {revision}, attempt {attempt + 1}"
        return [PowerOn(node, reason, self._announcement(node, revision, attempt))]

    def _announcement(self, node: str, revision: int, attempt: int) -> WakeSent:
        return WakeSent(node=node, segment=self.segment, sender=self.me, revision=revision, attempt=attempt)

    def _begin(self, node: str, revision: int, now_ns: int) -> Duty:
        """With what was done before: from here before a restart, or by others."""
        known, before = self._announced.pop(node, None), self.pressed.get(node)
        duty = Duty.begin(node, revision, now_ns)
        if known is not None and known.revision == revision:
            recent = now_ns < known.attempt_from_ns + self.settings.attempt_ns(known.attempt)
            duty = known if recent else duty
        if before is not None and before.revision == revision and before.attempt >= duty.attempt:
            return replace(duty, attempt=before.attempt, attempt_from_ns=now_ns, sent=True)
        return duty
