# SPDX-License-Identifier: Apache-2.0
"""Puts together what is said on a fleet's topics: one row for each node, one for each group. Pure.

Messages are as hostile here as anywhere: what is not believed is counted under its name and shows in no row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.fleet.budget.messages import Proof, read_report
from agent.fleet.budget.messages import Refusal as PowerRefusal
from agent.fleet.budget.messages import Report as PowerReport
from agent.fleet.budget.topics import group_topic, members_topic, report_topic
from agent.fleet.bus import SECOND_NS, matches
from agent.fleet.groups.group_states import HEARTBEAT_NS, GroupDocument, read_group, read_members
from agent.fleet.node.documents import Condition, Document, Gone, Heartbeat, Report, Target, decode
from agent.fleet.node.peers import Peers
from agent.fleet.node.refusal import Refusal
from agent.fleet.node.topics import place
from agent.fleet.overview import leads

if TYPE_CHECKING:
    from agent.fleet.bus import Message
    from agent.fleet.node.peers import Peer

PATTERNS = ("pgood/fleet/+/+/+", leads.PATTERN)
"""Every topic that is read here, and some that are not."""
FRESH_NS = 10 * SECOND_NS
"""Nodes tell their power every 3 s: what is older is no reading any more."""
SILENT = "silent"
MOST = 10_000
"""Segments, nodes of a domain and groups beyond this are not remembered: memory has an end."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One machine. None = not known; `seen_s` counts from its last word that was new."""

    node: str
    segment: str
    """Empty for a machine that follows no target."""
    domain: str
    """Empty for a machine that is under no budget."""
    state: str
    target: str
    watts: float | None
    cap_w: float | None
    proven: bool
    """The cap was read back."""
    priority: str
    group: str
    seen_s: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of a budget; `fresh` = a coordinator leads."""

    state: GroupDocument
    fresh: bool


@dataclass(slots=True)
class _Power:
    report: PowerReport
    heard_ns: int


class Overview:
    """Deterministic; the caller gives monotonic time."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self._segments: dict[str, Peers] = {}
        self._power: dict[tuple[str, str], _Power] = {}
        self._places: dict[tuple[str, str], tuple[str, str]] = {}
        """Group and priority, by domain and node."""
        self._leads = leads.Leads()
        self._groups: dict[tuple[str, str], tuple[GroupDocument, int]] = {}

    def receive(self, message: Message, now_ns: int) -> None:
        """Enter any message of the patterns."""
        topic = message.topic
        if not message.payload:
            return
        self._leads.receive(message, now_ns)
        if matches(group_topic("+", "+"), topic):
            self._group(topic, message, now_ns)
        elif matches(members_topic("+", "+"), topic):
            self._members(topic, message)
        elif found := place(topic):
            segment, node, leaf = found
            document = decode(message.payload, leaf, node)
            self._count(document if isinstance(document, Refusal) else self._said(segment, document, message, now_ns))
        elif matches(report_topic("+", "+"), topic):
            self._powered(topic, message, now_ns)

    def nodes(self, now_ns: int) -> list[NodeRow]:
        """By segment and name. What is said of one name in one segment and in one domain is of one machine."""
        peers = {(segment, peer.node): peer for segment, all_ in self._segments.items() for peer in all_.all()}
        told = {*self._power, *self._places}
        domains_of: dict[str, list[str]] = {}
        for domain, node in sorted(told):
            domains_of.setdefault(node, []).append(domain)
        names = Counter(node for _, node in peers)
        rows: list[NodeRow] = []
        for (segment, node), peer in peers.items():
            domains = domains_of.get(node, [])
            domain = segment if segment in domains else ""
            if not domain and len(domains) == 1 and names[node] == 1:
                domain = domains[0]
            told.discard((domain, node))
            rows.append(self._row(segment, domain, node, peer, now_ns))
        rows += [self._row("", domain, node, None, now_ns) for domain, node in told]
        return sorted(rows, key=lambda row: (row.segment or row.domain, row.node))

    def groups(self, now_ns: int) -> list[GroupRow]:
        """By domain, each group after the one around it."""
        return [
            GroupRow(document, self._leads.led(domain, now_ns) is not False and now_ns - heard_ns < 3 * HEARTBEAT_NS)
            for (domain, name), (document, heard_ns) in sorted(
                self._groups.items(), key=lambda item: (item[0][0], self._around(*item[0]))
            )
        ]

    def next_revision(self, segment: str, node: str) -> int | None:
        """For another target of a node; None = there is none above what is known."""
        peer = self._peer(segment, node)
        return 1 if peer is None else peer.next_revision

    def target(self, segment: str, node: str) -> Target | None:
        """What its owner wants of a node."""
        peer = self._peer(segment, node)
        return None if peer is None else peer.target

    def report(self, segment: str, node: str) -> Report | None:
        """The last word of a node about its state."""
        peer = self._peer(segment, node)
        return None if peer is None else peer.report

    def segments_of(self, node: str) -> list[str]:
        """Where a node of this name was heard of."""
        return sorted(segment for segment, peers in self._segments.items() if peers.get(node) is not None)

    # ------------------------------------------------------------------ what arrives

    def _said(self, segment: str, document: Document, message: Message, now_ns: int) -> Refusal | None:
        peers = self._segments.get(segment)
        if peers is None:
            if len(self._segments) >= MOST:
                return None
            peers = self._segments[segment] = Peers(segment)
        match document:
            case Report():
                return peers.report(document, now_ns, retained=message.retained)
            case Heartbeat():
                return peers.heartbeat(document, now_ns, retained=message.retained)
            case Gone():
                return peers.gone(document, now_ns)
            case Target():
                return peers.target(document, now_ns)
        return None

    def _powered(self, topic: str, message: Message, now_ns: int) -> None:
        _, _, domain, node, _ = topic.split("/")
        report = PowerRefusal.RETAINED if message.retained else read_report(message.payload, node)
        if isinstance(report, PowerRefusal):
            self.refused[report.value] += 1
            return
        known = self._power.get((domain, node))
        if known is not None and known.report.session == report.session and report.sequence <= known.report.sequence:
            self.refused[PowerRefusal.OLD_REPORT.value] += 1
        elif known is not None or len(self._power) < MOST:
            self._power[domain, node] = _Power(report, now_ns)

    def _group(self, topic: str, message: Message, now_ns: int) -> None:
        document = read_group(message.payload)
        _, _, _, domain, group = topic.split("/")
        if isinstance(document, PowerRefusal) or (document.domain, document.group) != (domain, group):
            self._refuse(document)
            return
        known = self._groups.get((domain, group))
        if known is not None and document.term < known[0].term:
            self.refused[PowerRefusal.OLD_REVISION.value] += 1
        elif known is not None or len(self._groups) < MOST:
            heard_ns = now_ns if not message.retained else now_ns - 2 * HEARTBEAT_NS
            self._groups[domain, group] = (document, heard_ns)

    def _members(self, topic: str, message: Message) -> None:
        document = read_members(message.payload)
        _, _, _, domain, group = topic.split("/")
        if isinstance(document, PowerRefusal) or (document.domain, document.group) != (domain, group):
            self._refuse(document)
            return
        for here in [key for key, (around, _) in self._places.items() if key[0] == domain and around == group]:
            del self._places[here]
        for node, priority in document.nodes.items():
            if len(self._places) < MOST:
                self._places[domain, node] = (group, priority)

    def _refuse(self, found: object) -> None:
        """A document that names another group than its topic is refused like one that is none."""
        why = found if isinstance(found, PowerRefusal) else PowerRefusal.MALFORMED
        self.refused[why.value] += 1

    def _count(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            self.refused[refusal.because.value] += 1

    # ------------------------------------------------------------------ rows

    def _row(self, segment: str, domain: str, node: str, peer: Peer | None, now_ns: int) -> NodeRow:
        power = self._power.get((domain, node))
        group, priority = self._places.get((domain, node), ("", ""))
        row = NodeRow(node, segment, domain, "", "", None, None, False, priority, group, None, "")
        heard_ns = peer.alive_ns if peer is not None else None
        if power is not None:
            heard_ns = power.heard_ns if heard_ns is None else max(heard_ns, power.heard_ns)
            row = replace(row, state=SILENT)
        if power is not None and now_ns - power.heard_ns < FRESH_NS:
            told = power.report
            row = replace(row, watts=told.watts, cap_w=told.lease_w, proven=told.proof is Proof.PROVEN)
            row = replace(row, state=Condition.ON.value)
        if peer is not None:
            row = replace(row, state=_state(peer, now_ns))
            if peer.target is not None:
                row = replace(row, target=peer.target.target.value)
            if peer.report is not None:
                row = replace(row, reason=peer.report.reason)
        return replace(row, seen_s=None if heard_ns is None else (now_ns - heard_ns) / SECOND_NS)

    def _around(self, domain: str, group: str) -> list[str]:
        """Names from the outermost group inwards; groups that contain themselves have an end here, too."""
        names: list[str] = []
        at: str | None = group
        while at is not None and at not in names:
            names.append(at)
            known = self._groups.get((domain, at))
            at = known[0].parent if known is not None else None
        return names[::-1]

    def _peer(self, segment: str, node: str) -> Peer | None:
        peers = self._segments.get(segment)
        return None if peers is None else peers.get(node)


def _state(peer: Peer, now_ns: int) -> str:
    """What it said last, or that it is gone without a word."""
    if peer.report is None:
        return SILENT if peer.gone else ""
    if peer.report.state is not None and peer.report.state.value == "up" and peer.missing(now_ns):
        return SILENT
    return peer.report.condition.value
