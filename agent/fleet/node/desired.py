# SPDX-License-Identifier: Apache-2.0
"""Which target counts: the one with the highest revision, over every restart, repeat and reordering."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.fleet.node.documents import Asker, Direction
from agent.fleet.node.refusal import Refusal, RefusedBecause

if TYPE_CHECKING:
    from agent.fleet.node.documents import Target


@dataclass(frozen=True, slots=True)
class Pressed:
    """A board has switched the machine of `node` on, or was about to, in this attempt."""

    node: str
    revision: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept on the disk of the machine that decides."""

    start: int = 0
    """Boots of the node, or starts of the board's agent."""
    revision: int = 0
    target: Direction | None = None
    asked_by: Asker = Asker.AUTOMATION
    reached: int = 0
    """The revision whose target was reached last."""
    ordered: int = 0
    """So many times the machine was told to follow this revision; counted before it is told."""
    slept: bool = False
    """It went to sleep on purpose: the next start is no crash."""
    pressed: tuple[Pressed, ...] = ()
    """Of a board: the last attempt for each node, kept before it is made."""


def take(remembered: Remembered, document: Target) -> Remembered | Refusal:
    """What is known after `document`; an unchanged answer means that it was known already."""
    known = remembered.revision
    if document.revision < known:
        return Refusal(RefusedBecause.STALE, f"revision {document.revision} is older than {known}")
    if document.revision > known:
        fresh = replace(remembered, revision=document.revision, ordered=0)
        return replace(fresh, target=document.target, asked_by=document.asked_by)
    if document.target is not remembered.target:
        asked = "nothing" if remembered.target is None else remembered.target.value
        why = f"revision {known} asked for {asked} before, now for {document.target.value}: it has two owners"
        return Refusal(RefusedBecause.CONFLICT, why)
    return remembered
