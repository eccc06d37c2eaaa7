# SPDX-License-Identifier: Apache-2.0
"""What is known of a farm's machines from their messages, in the form in which a round is planned. No clock, no I/O.

Only machines of the file are believed. What a machine said before this program listened is believed until it should
have said more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.fleet.farm.model import NS_PER_S, FarmNode, Resource
from agent.fleet.node import documents
from agent.fleet.node.documents import Asker, Direction
from agent.fleet.node.peers import Peer, Peers
from agent.fleet.node.refusal import Refusal, RefusalCounts, RefusedBecause
from agent.fleet.node.topics import BASE, Leaf, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.fleet.bus import Message
    from agent.fleet.farm.model import Amounts
    from agent.fleet.farm.tables import FarmFile, FarmNodeTable

HEARD = (Leaf.REPORT, Leaf.ALIVE, Leaf.TARGET, Leaf.LOAD)
LOAD_HOLDS_NS = 200 * NS_PER_S
"""Machines say their load once a minute."""
LOAD_UNKNOWN = "it is not known how busy it is"


@dataclass(slots=True)
class _Track:
    """One machine over time."""

    seen_ns: int
    state: Direction | None = None
    reported: bool = False
    changed_ns: int | None = None
    revision: int = 0
    """Of its target."""
    target_ns: int | None = None
    load: documents.Load | None = None
    load_ns: int | None = None
    """When it was said; None while only a retained one is known, which may be of any age."""
    idle_ns: int | None = None
    """Since when its processors have been idle, as far as it was heard."""
    contested: int = 0
    """The revision at which a person and somebody else have asked for different things."""


class FarmView:
    """All machines of a farm. Deterministic; the caller gives the time."""

    def __init__(self, farm: FarmFile, now_ns: int, seen_ns: Mapping[str, int] | None = None) -> None:
        """`seen_ns`: when machines were last seen up, as far as an earlier run has kept it."""
        self.refusals = RefusalCounts()
        self._farm = farm
        self._peers = {
            segment: Peers(segment, [name for name, node in farm.nodes.items() if node.segment == segment])
            for segment in farm.segments
        }
        earlier = seen_ns or {}
        self._tracks = {name: _Track(min(earlier.get(name, now_ns), now_ns)) for name in farm.nodes}

    # ------------------------------------------------------------------ messages

    def hear(self, message: Message, now_ns: int) -> None:
        """One message; never raises, what is refused is counted."""
        found = place(message.topic)
        if found is None or found[0] not in self._peers or not message.payload:
            return
        segment, node, leaf = found
        if leaf not in HEARD:
            return
        document = documents.decode(message.payload, leaf, node)
        refusal = document if isinstance(document, Refusal) else self._enter(document, segment, message, now_ns)
        if refusal is not None:
            self.refusals.add(refusal, now_ns)
        elif node in self._tracks:
            self._look(node, now_ns)

    def _enter(self, document: documents.Document, segment: str, message: Message, now_ns: int) -> Refusal | None:
        peers = self._peers[segment]
        match document:
            case documents.Report():
                return peers.report(document, now_ns, retained=message.retained)
            case documents.Heartbeat():
                return peers.heartbeat(document, now_ns, retained=message.retained)
            case documents.Gone():
                return peers.gone(document, now_ns)
            case documents.Target():
                return self._target(document, peers, now_ns)
            case documents.Load():
                return self._load(document, segment, now_ns, retained=message.retained)
        return None

    def _target(self, document: documents.Target, peers: Peers, now_ns: int) -> Refusal | None:
        refusal = peers.target(document, now_ns)
        conflict = refusal is not None and refusal.because is RefusedBecause.CONFLICT
        if conflict and document.asked_by is Asker.PERSON:
            self._tracks[document.node].contested = document.revision
        return refusal

    def _load(self, document: documents.Load, segment: str, now_ns: int, *, retained: bool) -> Refusal | None:
        node = self._farm.nodes.get(document.node)
        if node is None or node.segment != segment:
            return Refusal(RefusedBecause.UNKNOWN_NODE, f"{document.node} is not of {segment} in the file")
        if document.segment != segment:
            return Refusal(RefusedBecause.OTHER_SEGMENT, f"{document.node} says {document.segment!r}, not {segment!r}")
        track = self._tracks[document.node]
        if track.load is not None and document.order <= track.load.order:
            return Refusal(RefusedBecause.STALE, f"load of {document.node}: late, or played back")
        track.load, track.load_ns = document, None if retained else now_ns
        if retained or document.cpu > self._farm.idle_cpu:
            track.idle_ns = None
        elif track.idle_ns is None:
            track.idle_ns = now_ns
        return None

    # ------------------------------------------------------------------ what is known

    def nodes(self, now_ns: int) -> list[FarmNode]:
        """Every machine of the file, as it is now."""
        return [self._node(name, table, now_ns) for name, table in sorted(self._farm.nodes.items())]

    def seen_ns(self) -> dict[str, int]:
        return {name: track.seen_ns for name, track in self._tracks.items()}

    def target_of(self, node: str) -> documents.Target | None:
        peer = self._peer(node)
        return None if peer is None else peer.target

    def contested(self) -> Iterable[str]:
        """Machines for which a person and somebody else have written one revision."""
        return [name for name in sorted(self._tracks) if self._is_contested(name)]

    def next_revision(self, node: str) -> int | None:
        """Above all that is known; None = there is none."""
        peer = self._peer(node)
        return 1 if peer is None else peer.next_revision

    def _node(self, name: str, table: FarmNodeTable, now_ns: int) -> FarmNode:
        track = self._look(name, now_ns)
        peer = self._peer(name)
        report = None if peer is None else peer.report
        target = None if peer is None else peer.target
        used, busy = self._use(track, table, now_ns, own=report is not None and report.sends)
        by_person = target is not None and target.asked_by is Asker.PERSON
        return FarmNode(
            name=name,
            segment=table.segment,
            state=track.state,
            target=None if target is None else target.target,
            seen_ns=track.seen_ns,
            capacity=table.capacity,
            used=used if track.state is Direction.UP else {},
            changed_ns=track.changed_ns,
            target_ns=track.target_ns,
            able=report is not None and report.able,
            sends=report is not None and report.sends,
            busy=busy if track.state is Direction.UP else "",
            pinned=table.pinned,
            manual=by_person or self._is_contested(name),
        )

    def _use(self, track: _Track, table: FarmNodeTable, now_ns: int, *, own: bool) -> tuple[Amounts, str]:
        """What is used of a machine that is up, and for whom. A host of a board need not say."""
        load, load_ns = track.load, track.load_ns
        if load is not None and load_ns is not None and now_ns < load_ns + LOAD_HOLDS_NS:
            used = {Resource.CPU: load.cpu * table.cpu, Resource.MEMORY: load.memory * table.memory}
            return used, load.busy or self._working(track, load, now_ns)
        if not own:
            return {}, ""
        settings = self._farm.settings
        full = {resource: settings.threshold(resource) * amount for resource, amount in table.capacity.items()}
        return {resource: full[resource] for resource in (Resource.CPU, Resource.MEMORY)}, LOAD_UNKNOWN

    def _working(self, track: _Track, load: documents.Load, now_ns: int) -> str:
        """Work without anybody who is logged in; empty = it has been idle for long enough."""
        if track.idle_ns is None:
            return f"its processors are {load.cpu:.0%} busy"
        if now_ns - track.idle_ns < self._farm.idle_ns:
            return f"it was not seen idle for {self._farm.idle_ns // (60 * NS_PER_S)} min yet"
        return ""

    def _look(self, name: str, now_ns: int) -> _Track:
        """Take in what has changed."""
        track, peer = self._tracks[name], self._peer(name)
        if peer is None:
            return track
        if peer.report is not None:
            state = _state(peer, now_ns)
            if track.reported and state is not track.state:
                track.changed_ns = now_ns
            track.state, track.reported = state, True
        if peer.awake(now_ns) and peer.alive_ns is not None:
            track.seen_ns = max(track.seen_ns, peer.alive_ns)
        if peer.target is not None and peer.target.revision != track.revision:
            track.revision, track.target_ns = peer.target.revision, now_ns
        return track

    def _peer(self, name: str) -> Peer | None:
        return self._peers[self._farm.nodes[name].segment].get(name)

    def _is_contested(self, name: str) -> bool:
        target = self.target_of(name)
        contested = self._tracks[name].contested
        return bool(contested) and (target is None or target.revision <= contested)


def farm_patterns(farm: FarmFile) -> list[str]:
    """What is subscribed to, besides demand."""
    return [f"{BASE}/{segment}/+/{leaf.value}" for segment in farm.segments for leaf in HEARD]


def _state(peer: Peer, now_ns: int) -> Direction | None:
    """What it said, unless it said that it is up and is known not to live."""
    return None if peer.state is Direction.UP and peer.missing(now_ns) else peer.state
