# SPDX-License-Identifier: Apache-2.0
"""What keeps a machine from being put to sleep, as a pure question. Whatever is not known counts as standing."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from agent.fleet.node.documents import Asker
from agent.fleet.node.witness import BOUND_NS

NS_PER_S = 1_000_000_000


class Guard(enum.Enum):
    """The value is its name in reports."""

    PINNED = "pinned"
    IN_USE = "in-use"
    JUST_STARTED = "just-started"
    CHANGED_RECENTLY = "changed-recently"
    PROMISED = "promised"
    LAST_AWAKE = "last-awake"


@dataclass(frozen=True, slots=True)
class Standing:
    """A guard that is up. The text carries no running time, so that it does not change with every look."""

    guard: Guard
    text: str


@dataclass(frozen=True, slots=True)
class GuardSettings:
    changed_ns: int = 30 * 60 * NS_PER_S
    """After a wake that was asked for, automation leaves the machine on at least this long."""
    started_ns: int = 150 * NS_PER_S
    """After its start a node stays awake this long. Longer than a promise lasts: a restart breaks none."""

    @property
    def promise_ns(self) -> int:
        """So long another node may rely on this one; two minutes of two and a half."""
        return min(BOUND_NS, self.started_ns * 4 // 5)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the caller found out now. Times are monotonic; None = never."""

    pinned: str = ""
    """Why the machine must never sleep; empty = it may."""
    users: tuple[str, ...] | None = None
    """Who uses it: sessions, jobs, contracts. None = that could not be found out."""
    started_ns: int | None = None
    on_since_ns: int | None = None
    """When it last came on because that was wanted."""
    asked_by: Asker = Asker.AUTOMATION
    promised_until_ns: int | None = None
    """Until when another node relies on this one being awake."""
    others_awake: bool | None = None
    """Whether somebody else of the segment could wake this machine; None = nobody has to, it is woken otherwise."""


def standing(circumstances: Circumstances, settings: GuardSettings, now_ns: int) -> tuple[Standing, ...]:
    """Every guard that is up, the most lasting first."""
    c = circumstances
    found: list[Standing] = []
    if c.pinned:
        found.append(Standing(Guard.PINNED, f"pinned: {c.pinned}"))
    used = used_by(c.users)
    if used:
        found.append(Standing(Guard.IN_USE, used))
    if c.others_awake is False:
        found.append(Standing(Guard.LAST_AWAKE, "the last node awake in its segment: nobody could wake it"))
    if c.promised_until_ns is not None and now_ns < c.promised_until_ns:
        found.append(Standing(Guard.PROMISED, "it promised another node to stay awake"))
    if c.started_ns is not None and now_ns < c.started_ns + settings.started_ns:
        found.append(Standing(Guard.JUST_STARTED, "it has just started"))
    recently = c.on_since_ns is not None and now_ns < c.on_since_ns + settings.changed_ns
    if recently and c.asked_by is not Asker.PERSON:
        minutes = settings.changed_ns // (60 * NS_PER_S)
        found.append(Standing(Guard.CHANGED_RECENTLY, f"switched on less than {minutes} min ago"))
    return tuple(found)


def used_by(users: tuple[str, ...] | None) -> str:
    """Empty = nobody uses the machine."""
    if users is None:
        return "it is not known whether the machine is in use: users_command, or logind without one, does not answer"
    return f"in use by {', '.join(users[:3])}" if users else ""
