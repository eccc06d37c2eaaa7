# SPDX-License-Identifier: Apache-2.0
"""What one node knows of the others: their last words, whether they live, and what is wanted of them.

Order comes from (start, number), life from messages that are new; a retained or repeated one proves no life.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.fleet.node.documents import MAX_COUNT, Direction
from agent.fleet.node.refusal import Refusal, RefusedBecause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.fleet.node.documents import Gone, Heartbeat, Report, Said, Target

NS_PER_S = 1_000_000_000
SILENT_AFTER = 3
"""A node is not awake after so many heartbeats that did not come: one or two may be lost."""
DEFAULT_INTERVAL_NS = 60 * NS_PER_S
MAX_PEERS = 10_000
"""Names beyond this are refused: a segment has fewer, and memory has an end."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another machine, as far as it is known here. Times are of the clock of whoever looks."""

    node: str
    segment: str = ""
    report_order: tuple[int, int] = (0, 0)
    beat_order: tuple[int, int] = (0, 0)
    report: Report | None = None
    alive_ns: int | None = None
    """When something new of it was heard last."""
    interval_ns: int = DEFAULT_INTERVAL_NS
    gone: bool = False
    since_ns: int = 0
    """Since when it could have been heard: silence before that proves nothing."""
    target: Target | None = None

    @property
    def start(self) -> int:
        return max(self.report_order[0], self.beat_order[0])

    @property
    def state(self) -> Direction | None:
        return None if self.report is None else self.report.state

    def awake(self, now_ns: int) -> bool:
        """It says that it is up, and it lives."""
        return self.state is Direction.UP and self.alive(now_ns)

    def alive(self, now_ns: int) -> bool:
        if self.gone or self.alive_ns is None:
            return False
        return now_ns < self.alive_ns + SILENT_AFTER * self.interval_ns

    def sends(self, now_ns: int) -> bool:
        """It is awake and can send magic packets."""
        return self.awake(now_ns) and self.report is not None and self.report.sends

    def missing(self, now_ns: int) -> bool:
        """It is known not to be awake. What was retained proves no life, but no death either."""
        if self.awake(now_ns):
            return False
        silent = now_ns >= self.since_ns + SILENT_AFTER * self.interval_ns
        return self.state is Direction.DOWN or self.gone or silent

    @property
    def overtaken(self) -> bool:
        """It tells of a newer target than the one that has arrived here, which is not known then."""
        return self.report is not None and self.target is not None and self.report.revision > self.target.revision

    @property
    def next_revision(self) -> int | None:
        """For another target: above all that is known; None = the node has heard the highest that there is."""
        told = 0 if self.report is None else self.report.revision
        revision = max(told, 0 if self.target is None else self.target.revision) + 1
        return revision if revision <= MAX_COUNT else None

    def staying(self, now_ns: int) -> bool:
        """It is awake and nobody wants it to sleep."""
        return self.awake(now_ns) and (self.target is None or self.target.target is Direction.UP)


class Peers:
    """All others of a segment. Deterministic; the caller gives the time."""

    def __init__(self, segment: str, known: Iterable[str] | None = None) -> None:
        """`known` = the names that may exist; None = any, up to MAX_PEERS."""
        self._segment = segment
        self._known = None if known is None else frozenset(known)
        self._peers: dict[str, Peer] = {}

    def get(self, node: str) -> Peer | None:
        return self._peers.get(node)

    def all(self) -> tuple[Peer, ...]:
        """By name."""
        return tuple(self._peers[name] for name in sorted(self._peers))

    def senders(self, now_ns: int) -> tuple[str, ...]:
        """Who is awake and could send."""
        return tuple(peer.node for peer in self.all() if peer.sends(now_ns))

    def boards(self, now_ns: int) -> dict[str, frozenset[str]]:
        """Awake boards, and the nodes that each can switch on."""
        awake = [peer for peer in self._peers.values() if peer.report and peer.report.wakes and peer.awake(now_ns)]
        return {peer.node: frozenset(peer.report.wakes) for peer in awake if peer.report}

    def switched_by(self, node: str, now_ns: int) -> tuple[str, ...]:
        """Awake boards that could switch `node` on, by name."""
        return tuple(sorted(board for board, woken in self.boards(now_ns).items() if node in woken))

    def wired(self) -> frozenset[str]:
        """Nodes that some board could switch on when it last reported."""
        return frozenset(node for peer in self._peers.values() if peer.report for node in peer.report.wakes)

    def keepers(self, me: str, now_ns: int) -> tuple[str, ...]:
        """Whose being awake lets `me` sleep: a board that switches it, unless others need senders of packets."""
        boards = self.boards(now_ns)
        covered = frozenset[str]().union(*boards.values())
        nodes = [peer.node for peer in self._peers.values() if peer.report and peer.report.sends]
        if all(node in covered for node in (me, *nodes)):
            return self.switched_by(me, now_ns)
        return self.senders(now_ns)

    # ------------------------------------------------------------------ what arrives

    def report(self, document: Report, now_ns: int, *, retained: bool) -> Refusal | None:
        peer = self._admit(document.node, document.segment, now_ns, retained=retained)
        if isinstance(peer, Refusal):
            return peer
        if document.order <= peer.report_order:
            return _stale(document, peer.report_order)
        fresh = replace(peer, segment=document.segment, report=document, report_order=document.order)
        self._peers[document.node] = fresh if retained else _living(fresh, document, now_ns)
        return None

    def heartbeat(self, document: Heartbeat, now_ns: int, *, retained: bool) -> Refusal | None:
        peer = self._admit(document.node, document.segment, now_ns, retained=retained)
        if isinstance(peer, Refusal):
            return peer
        if document.order <= peer.beat_order or document.start < peer.start:
            return _stale(document, peer.beat_order)
        fresh = replace(peer, segment=document.segment, beat_order=document.order, interval_ns=document.interval_ns)
        self._peers[document.node] = fresh if retained else _living(fresh, document, now_ns)
        return None

    def gone(self, document: Gone, now_ns: int) -> Refusal | None:
        """A will of an earlier start comes late where the node has started again: it says nothing of this one."""
        peer = self._admit(document.node, document.segment, now_ns)
        if isinstance(peer, Refusal):
            return peer
        if document.start < peer.start:
            return Refusal(RefusedBecause.STALE, f"{document.node} has started again since")
        self._peers[document.node] = replace(peer, gone=True)
        return None

    def target(self, document: Target, now_ns: int) -> Refusal | None:
        peer = self._admit(document.node, None, now_ns)
        if isinstance(peer, Refusal):
            return peer
        if peer.target is not None and document.revision <= peer.target.revision:
            if document == peer.target:
                return None
            why = f"revision {document.revision} of {document.node}, {peer.target.revision} is known"
            same = document.revision == peer.target.revision and document.target is not peer.target.target
            return Refusal(RefusedBecause.CONFLICT if same else RefusedBecause.STALE, why)
        self._peers[document.node] = replace(peer, target=document)
        return None

    def stranger(self, node: str) -> Refusal | None:
        """Why a name that takes part in something is not believed."""
        if self._known is None or node in self._known:
            return None
        return Refusal(RefusedBecause.UNKNOWN_NODE, f"{node} is not in the list of nodes")

    def _admit(self, node: str, segment: str | None, now_ns: int, *, retained: bool = False) -> Peer | Refusal:
        """`retained`: a subscription has begun just now, for the first time or after the broker was not reached."""
        if segment is not None and segment != self._segment:
            return Refusal(RefusedBecause.OTHER_SEGMENT, f"{node} is of segment {segment!r}, not {self._segment!r}")
        stranger = self.stranger(node)
        if stranger is not None:
            return stranger
        peer = self._peers.get(node)
        if peer is None:
            full = Refusal(RefusedBecause.TOO_MANY, f"more than {MAX_PEERS} nodes")
            return full if len(self._peers) >= MAX_PEERS else Peer(node, since_ns=now_ns)
        if retained:
            peer = self._peers[node] = replace(peer, since_ns=now_ns)
        return peer


def revisions_spent(node: str) -> str:
    """What a person is told when there is no `next_revision`."""
    return f"the revisions of {node} are at their end: somebody has written the highest; give it another name"


def _living(peer: Peer, document: Said, now_ns: int) -> Peer:
    """Something new was heard; a later word than the will takes the will back."""
    return replace(peer, alive_ns=now_ns, gone=False) if document.start >= peer.start else peer


def _stale(document: Said, known: tuple[int, int]) -> Refusal:
    return Refusal(RefusedBecause.STALE, f"{document.node} said {document.order} after {known}: late, or played back")
