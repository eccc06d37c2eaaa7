# SPDX-License-Identifier: Apache-2.0
"""What is published of each group, and when it is worth a message. Pure.

The states are for people and for dashboards: nothing that decides reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.budget.messages import Refusal, read
from agent.fleet.bus import SECOND_NS
from agent.profile.base import Name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.fleet.budget.control import BudgetControl
    from agent.fleet.budget.coordinator import Coordinator

WORTH = 0.01
"""A change of less than this part of the limit is not told by itself."""
HEARTBEAT_NS = 60 * SECOND_NS
"""So often all is told again: a broker may have lost what it retained."""
LONGEST_DOCUMENT = 1_000_000
"""Bytes; members of a group with ten thousand nodes are within."""


class GroupDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One group as of the last cycle. Retained; stale when nothing came for three heartbeats."""

    domain: Name
    group: Name
    kind: str
    parent: Name | None
    limit_w: float
    """Of the file."""
    allowed_w: float
    """What emergencies and a parent leave of it."""
    watts: float
    """Drawn by the nodes that are heard."""
    counted_w: float
    """What all its nodes together may be drawing at most."""
    nodes: int
    silent: int
    band: str
    """`cut`, `hold` or `release`."""
    short: bool
    """Somebody needs more and there is no room."""
    emergencies: tuple[str, ...]
    problem: bool
    """Over what is allowed, blind, or in an emergency."""
    term: int


class MembersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The nodes of a group itself, with their priorities. Retained."""

    domain: Name
    group: Name
    nodes: dict[Name, str]


_ENCODER = msgspec.json.Encoder()
_GROUP = msgspec.json.Decoder(GroupDocument)
_MEMBERS = msgspec.json.Decoder(MembersDocument)


def encode(document: GroupDocument | MembersDocument) -> bytes:
    return _ENCODER.encode(document)


def read_group(payload: bytes) -> GroupDocument | Refusal:
    return read(payload, _GROUP, LONGEST_DOCUMENT)


def read_members(payload: bytes) -> MembersDocument | Refusal:
    return read(payload, _MEMBERS, LONGEST_DOCUMENT)


def group_documents(coordinator: Coordinator, control: BudgetControl, now_ns: int) -> Iterator[GroupDocument]:
    """Every group, as the leading coordinator knows it."""
    allowed_w = coordinator.desk.limits_w(coordinator.limits_w(now_ns))
    emergencies: dict[str, list[str]] = {}
    for kind, name in coordinator.desk.running:
        emergencies.setdefault(name, []).append(kind.value)
    for name, group in coordinator.tree.groups.items():
        state, counted_w = control.groups[name], control.ledger.sum_w(name)
        yield GroupDocument(
            domain=coordinator.domain,
            group=name,
            kind=group.kind,
            parent=group.parent,
            limit_w=group.limit_w,
            allowed_w=round(allowed_w[name], 1),
            watts=round(state.read_w, 1),
            counted_w=round(counted_w, 1),
            nodes=state.nodes,
            silent=state.silent,
            band=state.band.value,
            short=state.short,
            emergencies=tuple(sorted(emergencies.get(name, ()))),
            problem=state.unreadable or name in emergencies or counted_w > allowed_w[name] + 1e-6,
            term=control.ledger.term,
        )


def members_documents(coordinator: Coordinator) -> Iterator[MembersDocument]:
    """Who is in which group; groups without nodes of their own are left out."""
    for name, group in coordinator.tree.groups.items():
        if group.nodes:
            nodes = {node: coordinator.tree.nodes[node].priority.name.lower() for node in group.nodes}
            yield MembersDocument(domain=coordinator.domain, group=name, nodes=nodes)


@dataclass(slots=True)
class TellGate:
    """Remembers what was told last of each group."""

    _told: dict[str, tuple[GroupDocument, int]] = field(default_factory=dict)

    def passes(self, document: GroupDocument, now_ns: int) -> bool:
        """True = publish it."""
        last = self._told.get(document.group)
        return last is None or now_ns - last[1] >= HEARTBEAT_NS or _differs(last[0], document)

    def told(self, document: GroupDocument, now_ns: int) -> None:
        """It was handed over."""
        self._told[document.group] = (document, now_ns)

    def forget(self) -> None:
        """Somebody else has led meanwhile."""
        self._told.clear()


def _differs(before: GroupDocument, now: GroupDocument) -> bool:
    worth_w = WORTH * now.limit_w
    small = abs(before.watts - now.watts) < worth_w and abs(before.counted_w - now.counted_w) < worth_w
    same = msgspec.structs.replace(before, watts=now.watts, counted_w=now.counted_w) == now
    return not (small and same)
