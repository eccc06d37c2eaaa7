# SPDX-License-Identifier: Apache-2.0
"""Who wakes a sleeping node, and when: decided alike, and without a manager, by every awake node of the segment.

As long as a node should be up and does not live there are attempts. In each those who could wake it are ordered by a
hash; the first acts at once, the next ones only if nothing was heard of that. What is missed is made good: nothing here
waits for the moment of a change. Senders of packets and boards that switch the machine go first in turns.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.fleet.node.refusal import Refusal, RefusedBecause

if TYPE_CHECKING:
    from agent.fleet.node.documents import WakeSent

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WakeSettings:
    packets: int = 10
    gap_ns: int = NS_PER_S // 2
    takeover_ns: int = 15 * NS_PER_S
    """The next in order sends when nobody before it has said within this that it did."""
    boot_ns: int = 180 * NS_PER_S
    """What a node has to report after a burst; doubles with each attempt, up to `max_boot_ns`."""
    max_boot_ns: int = 1800 * NS_PER_S
    attempts: int = 8
    ranks: int = 4
    """How many of the awake nodes take part in an attempt; when none of them sends, the next attempt has others."""
    settle_ns: int = 30 * NS_PER_S
    """After its own start a node waits with its first burst: after a mains loss the switches start, too."""

    def attempt_ns(self, attempt: int) -> int:
        return min(self.boot_ns << min(attempt, 20), self.max_boot_ns)


@dataclass(frozen=True, slots=True)
class Crew:
    """Who could wake a node now."""

    packets: tuple[str, ...] = ()
    """Awake nodes that send magic packets."""
    switches: tuple[str, ...] = ()
    """Awake boards that switch its machine."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One node to be woken, as one awake node sees it."""

    node: str
    revision: int
    began_ns: int
    attempt: int = 0
    attempt_from_ns: int = 0
    sent: bool = False
    """This attempt is known to be made: from here or by another one."""
    gave_up: bool = False

    @classmethod
    def begin(cls, node: str, revision: int, now_ns: int) -> Duty:
        return cls(node, revision, now_ns, attempt_from_ns=now_ns)


@dataclass(frozen=True, slots=True)
class Sending:
    """It is the turn of whoever looked."""

    attempt: int


@dataclass(frozen=True, slots=True)
class GivingUp:
    attempts: int


def order(crew: Crew, node: str, attempt: int) -> list[str]:
    """Who acts for `node`, first to last; another order with each attempt.

    Packets have the first one: a machine whose card heard them needs no hand on its switch.
    """

    def key(name: str) -> bytes:
        return hashlib.sha256(f"{name}\n{node}\n{attempt}".encode()).digest()

    packets, switches = sorted(set(crew.packets), key=key), sorted(set(crew.switches), key=key)
    first, then = (switches, packets) if attempt % 2 else (packets, switches)
    return [*first, *(name for name in then if name not in first)]


def step(
    duty: Duty, me: str, crew: Crew, settings: WakeSettings, now_ns: int
) -> tuple[Duty, Sending | GivingUp | None]:
    """What `me` does for one sleeping node now. Who is not of the crew only counts the attempts."""
    if duty.gave_up:
        return duty, None
    if now_ns >= duty.attempt_from_ns + settings.attempt_ns(duty.attempt):
        if duty.attempt + 1 >= settings.attempts:
            return replace(duty, gave_up=True), GivingUp(duty.attempt + 1)
        duty = replace(duty, attempt=duty.attempt + 1, attempt_from_ns=now_ns, sent=False)
    waited_ns = now_ns - duty.attempt_from_ns
    if duty.sent or waited_ns >= settings.ranks * settings.takeover_ns:
        return duty, None
    ranks = order(crew, duty.node, duty.attempt)[: settings.ranks]
    if me not in ranks or waited_ns < ranks.index(me) * settings.takeover_ns:
        return duty, None
    return replace(duty, sent=True), Sending(duty.attempt)


def heard(duty: Duty, document: WakeSent, settings: WakeSettings, now_ns: int) -> Duty | Refusal:
    """Another node says that it has sent: count as it does, so that all agree on who is next."""
    if document.revision != duty.revision:
        return Refusal(RefusedBecause.STALE, f"{document.sender} wakes for revision {document.revision}")
    if document.attempt >= settings.attempts:
        return Refusal(RefusedBecause.IMPLAUSIBLE, f"attempt {document.attempt} of {settings.attempts}")
    if document.attempt < duty.attempt or duty.gave_up:
        return Refusal(RefusedBecause.STALE, f"attempt {document.attempt} is over")
    if document.attempt == duty.attempt and duty.sent:
        return duty
    return replace(duty, attempt=document.attempt, attempt_from_ns=now_ns, sent=True)
