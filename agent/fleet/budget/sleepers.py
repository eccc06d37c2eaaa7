# SPDX-License-Identifier: Apache-2.0
"""Which nodes are switched off, by their own last word: they are silent, but they draw nothing. Pure.

A node that sleeps says so before it goes, retained (agent/fleet/node). It counts as off until it is wanted up, says
something else, or reports power in another start of its agent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.fleet.budget.messages import Refusal
from agent.fleet.node import documents
from agent.fleet.node.documents import Direction
from agent.fleet.node.refusal import RefusedBecause
from agent.fleet.node.topics import Leaf, place, topic

if TYPE_CHECKING:
    from collections.abc import Container

    from agent.fleet.bus import Message

REFUSALS = {
    RefusedBecause.TOO_LARGE: Refusal.TOO_LONG,
    RefusedBecause.MALFORMED: Refusal.MALFORMED,
    RefusedBecause.OTHER_NODE: Refusal.WRONG_NODE,
}


def patterns_of(segment: str) -> tuple[str, ...]:
    """What the nodes of a segment say of themselves, and what is wanted of them."""
    return topic(segment, "+", Leaf.REPORT), topic(segment, "+", Leaf.TARGET)


@dataclass(slots=True)
class _Known:
    order: tuple[int, int] = (0, 0)
    revision: int = 0
    waking: bool = False
    down: bool = False
    since_ns: int = 0
    session: int | None = None
    """Of its last power report."""
    last_session: int | None = None
    """The one that was going down."""


@dataclass(slots=True)
class Sleepers:
    """Of the nodes in `tree_nodes`. Times are of the coordinator's monotonic clock."""

    tree_nodes: Container[str]
    leaving: set[str] = field(default_factory=set)
    """Said to be down, and nobody wants them up."""
    _known: dict[str, _Known] = field(default_factory=dict)

    def hear(self, message: Message, now_ns: int) -> Refusal | None:
        """A report or a target, retained or not; None if it was believed."""
        found = place(message.topic)
        if found is None or found[2] not in (Leaf.REPORT, Leaf.TARGET):
            return Refusal.WRONG_NODE
        _, node, leaf = found
        if node not in self.tree_nodes:
            return None  # a machine of the segment that has no budget
        document = documents.decode(message.payload, leaf, node)
        known = self._known.setdefault(node, _Known())
        match document:
            case documents.Report():
                if document.order <= known.order:
                    return None if message.retained else Refusal.OLD_REPORT
                known.order, known.down = document.order, document.state is Direction.DOWN
                known.since_ns, known.last_session = now_ns, known.session
                if document.revision >= known.revision:
                    known.revision, known.waking = document.revision, document.target is Direction.UP
            case documents.Target():
                if document.revision > known.revision:
                    known.revision, known.waking = document.revision, document.target is Direction.UP
            case _:
                because = getattr(document, "because", RefusedBecause.MALFORMED)
                return REFUSALS.get(because, Refusal.MALFORMED)
        self._judge(node, known)
        return None

    def powered(self, node: str, session: int) -> None:
        """A power report was believed: a start that is not the one that went down is up."""
        known = self._known.setdefault(node, _Known())
        known.session = session
        if known.down and session != known.last_session:
            known.down = False
            self._judge(node, known)

    def off(self, now_ns: int, settled_ns: int) -> set[str]:
        """Those that have been down for so long that no lease from before can be in force."""
        return {node for node in self.leaving if now_ns - self._known[node].since_ns >= settled_ns}

    def _judge(self, node: str, known: _Known) -> None:
        if known.down and not known.waking:
            self.leaving.add(node)
        else:
            self.leaving.discard(node)
