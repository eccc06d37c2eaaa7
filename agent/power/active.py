# SPDX-License-Identifier: Apache-2.0
"""One operation under way or queued, and the replies to requests that bear a key."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from agent.power.plan import Plan
    from agent.power.request import Reply, Request

KEPT_KEYS = 256


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
