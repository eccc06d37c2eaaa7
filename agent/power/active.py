# SPDX-License-Identifier: Apache-2.0
"""One operation under way or queued, and the replies to requests that bear a key."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.power.request import Verdict

if TYPE_CHECKING:
    import asyncio

    from agent.power.plan import Plan
    from agent.power.request import Reply, Request

KEPT_KEYS = 256
LATE = "timed out"
"""Begins the reason of what the manager itself has ended."""


@dataclass
class Active:
    """Used by the power manager only."""

    plan: Plan
    request: Request
    what: str
    targets: tuple[str, ...]
    outcome: asyncio.Future[Reply]
    progress_ns: int
    operation: str
    """Its name; `begun` once it is on record under it."""
    key: str = ""
    begun: bool = False
    queued: bool = False
    notes: list[str] = field(default_factory=list)
    """Steps from before it was on record."""
    reply: Reply | None = None

    @property
    def untold(self) -> bool:
        """It came to nothing for a reason that no unit has told an event of: a policy, or time."""
        replies = (step.reply for step in self.plan.steps.values() if step.reply is not None)
        bad = [reply for reply in replies if not reply.verdict.good]
        return all(reply.verdict in (Verdict.BLOCKED, Verdict.BUSY) or LATE in reply.reason for reply in bad)

    def holds(self, name: str) -> bool:
        """Whether it has something to do with a domain yet."""
        step = self.plan.steps.get(name)
        return step is not None and not step.over

    def domains(self) -> set[str]:
        """What it holds: everything it has not done with."""
        return {step.domain for step in self.plan.steps.values() if not step.over}


class KeyedReplies:
    """Final replies to requests that never became operations, by their key. Bounded: the oldest goes."""

    def __init__(self) -> None:
        self._replies: OrderedDict[str, Reply] = OrderedDict()

    def get(self, key: str) -> Reply | None:
        return self._replies.get(key)

    def keep(self, key: str, reply: Reply) -> None:
        """An empty key is none."""
        if key:
            self._replies[key] = reply
            if len(self._replies) > KEPT_KEYS:
                self._replies.popitem(last=False)
