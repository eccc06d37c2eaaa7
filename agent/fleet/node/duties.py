# SPDX-License-Identifier: Apache-2.0
"""The nodes that one awake node helps to wake: begins and ends their attempts from what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.node import wake_sender
from agent.fleet.node.actions import Action, Burst, Happening, Publish, Tell
from agent.fleet.node.documents import Direction, WakeSent
from agent.fleet.node.refusal import Refusal, RefusedBecause
from agent.fleet.node.wake_sender import Duty, GivingUp, Sending, WakeSettings

if TYPE_CHECKING:
    from agent.fleet.node.peers import Peer, Peers


@dataclass(slots=True)
class Duties:
    """Deterministic; the caller gives the time."""

    me: str
    segment: str
    settings: WakeSettings
    _of: dict[str, Duty] = field(default_factory=dict)
    _announced: dict[str, Duty] = field(default_factory=dict)
    """The last burst heard of for nodes that are not missing here yet: whoever misses them later begins with that."""

    def heard(self, document: WakeSent, peers: Peers, now_ns: int) -> Refusal | None:
        """Another node has announced a burst."""
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

    def step(self, peers: Peers, now_ns: int) -> list[Action]:
        """Bursts that are due here now, with their announcements."""
        senders = peers.senders(now_ns)
        actions: list[Action] = []
        for peer in peers.all():
            target = peer.target
            if target is None or target.target is Direction.DOWN or peer.awake(now_ns):
                self._of.pop(peer.node, None)
            elif peer.missing(now_ns) and peer.report is not None and peer.report.macs:
                actions += self._wake(peer, target.revision, peer.report.macs, senders, now_ns)
        return actions

    def _wake(
        self, peer: Peer, revision: int, macs: tuple[str, ...], senders: tuple[str, ...], now_ns: int
    ) -> list[Action]:
        duty = self._of.get(peer.node)
        if duty is None or duty.revision != revision:
            duty = self._begin(peer.node, revision, now_ns)
        self._of[peer.node], order = wake_sender.step(duty, self.me, senders, self.settings, now_ns)
        match order:
            case Sending(attempt):
                sent = WakeSent(
                    node=peer.node, segment=self.segment, sender=self.me, revision=revision, attempt=attempt
                )
                return [Burst(peer.node, macs, self.settings.packets, self.settings.gap_ns), Publish(sent)]
            case GivingUp(attempts):
                why = f"{peer.node} did not come up after {attempts} attempts to wake it"
                return [Tell(Happening.NOT_AWAKE, peer.node, why)]
            case None:
                return []

    def _begin(self, node: str, revision: int, now_ns: int) -> Duty:
        known = self._announced.pop(node, None)
        if known is None or known.revision != revision:
            return Duty.begin(node, revision, now_ns)
        recent = now_ns < known.attempt_from_ns + self.settings.attempt_ns(known.attempt)
        return known if recent else Duty.begin(node, revision, now_ns)
