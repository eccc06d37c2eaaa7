# SPDX-License-Identifier: Apache-2.0
"""When the node is read and when it is written. Pure: time and answers in, the next request or a pause out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from agent.energy.kubernetes.answers import Outcome
from agent.energy.kubernetes.api import Verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.kubernetes.answers import Judged
    from agent.energy.kubernetes.node_keys import NodeKeys
    from agent.energy.kubernetes.table import KubernetesTable

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 300.0
RARELY_S = 900.0
"""For what only a person can cure."""
MOST_PATIENCE_S = 3600.0
"""A server may ask for this much and no more."""
CONFLICTS = 3
"""So often in a row the node is read and written again at once."""
UNDONE = "something in the cluster takes our keys away again: is there an admission webhook, or another agent?"
NEVER_S = float("-inf")


class PublishState(Enum):
    """For telemetry; all but the first three come with a reason."""

    IDLE = "idle"
    """Nothing was given to publish yet."""
    PENDING = "pending"
    """The node is not yet as it is to be."""
    PUBLISHED = "published"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNKNOWN_NODE = "unknown-node"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    REFUSED = "refused"
    NOT_CONFIGURED = "not-configured"
    """Table and environment do not say where the cluster is."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds; `chance` gives 0 to 1."""

    min_interval_s: float
    spread_s: float
    check_interval_s: float
    chance: Callable[[], float]

    @classmethod
    def of(cls, table: KubernetesTable, chance: Callable[[], float]) -> Pace:
        return cls(table.min_interval_s, table.spread_s, table.check_interval_s, chance)


@dataclass(frozen=True, slots=True)
class Ask:
    """The next request; `keys` are what a PATCH changes."""

    verb: Verb
    keys: NodeKeys | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is to be asked for so long; None = until something is to be published."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Publication:
    """All times are of one monotonic clock."""

    wanted: NodeKeys | None = None
    known: NodeKeys | None = None
    """The node's keys as they were last told; None = they are to be read."""
    state: PublishState = PublishState.IDLE
    reason: str = ""
    failures: int = 0
    """In a row."""
    conflicts: int = 0
    not_before_s: float = NEVER_S
    """After a failure."""
    patch_from_s: float = NEVER_S
    """The present change is not written earlier."""
    patched_s: float = NEVER_S
    read_s: float = NEVER_S
    patches: int = 0

    def want(self, keys: NodeKeys, now_s: float, pace: Pace) -> Publication:
        """The node is to be so from now on. A change that waits already does not wait longer."""
        if self.known is None or not self._change(self.wanted):
            from_s = now_s + pace.spread_s * pace.chance()
        else:
            from_s = self.patch_from_s
        state = PublishState.PENDING if self.state is PublishState.IDLE else self.state
        return replace(self, wanted=keys, state=state, patch_from_s=from_s)

    def next(self, now_s: float, pace: Pace) -> Ask | Pause:
        if self.wanted is None:
            return Pause(None)
        if now_s < self.not_before_s:
            return Pause(self.not_before_s - now_s)
        if self.known is None or now_s >= self.read_s + pace.check_interval_s:
            return Ask(Verb.GET)
        change = self._change(self.wanted)
        if not change:
            return Pause(self.read_s + pace.check_interval_s - now_s)
        due_s = max(self.patch_from_s, self.patched_s + pace.min_interval_s)
        return Pause(due_s - now_s) if now_s < due_s else Ask(Verb.PATCH, change)

    def after(self, ask: Ask, judged: Judged, now_s: float, pace: Pace) -> Publication:
        """`judged` is what came of `ask`."""
        if judged.node is not None:
            return self._seen(ask, judged.node, now_s)
        maybe_written = ask.verb is Verb.PATCH and judged.outcome is Outcome.UNREACHABLE
        state = PublishState(judged.outcome.value)
        if judged.outcome is Outcome.CONFLICT and self.conflicts < CONFLICTS:
            again = replace(self, known=None, conflicts=self.conflicts + 1)  # at once: nothing was written
            return replace(again, state=state, reason=judged.reason, not_before_s=now_s)
        failures = self.failures + 1
        wait_s = max(_wait_s(judged.outcome, failures, pace), min(judged.retry_after_s or 0.0, MOST_PATIENCE_S))
        return replace(
            self,
            known=None if maybe_written or judged.outcome is Outcome.CONFLICT else self.known,
            patched_s=now_s if maybe_written else self.patched_s,
            state=state,
            reason=judged.reason,
            failures=failures,
            conflicts=0,
            not_before_s=now_s + wait_s,
        )

    def _seen(self, ask: Ask, node: NodeKeys, now_s: float) -> Publication:
        """Where the answer to a PATCH does not show it, something in the cluster undoes it: no quarrel every minute.

        A GET that works takes no failure of a PATCH back: else the waits between them would never grow.
        """
        wrote = ask.keys is not None
        undone = ask.keys is not None and bool(ask.keys.unlike(node))
        seen = replace(
            self,
            known=node if self.wanted is None else node.only(self.wanted),
            failures=0,
            conflicts=0 if wrote else self.conflicts,
            reason=UNDONE if undone else "",
            not_before_s=now_s + RARELY_S if undone else NEVER_S,
            read_s=now_s,
            patched_s=now_s if wrote else self.patched_s,
            patches=self.patches + wrote,
        )
        if undone:
            return replace(seen, state=PublishState.REFUSED)
        if not seen._change(seen.wanted):
            return replace(seen, state=PublishState.PUBLISHED)
        if self.failures and not wrote:
            return replace(seen, state=self.state, reason=self.reason, failures=self.failures)
        return replace(seen, state=PublishState.PENDING)

    def _change(self, wanted: NodeKeys | None) -> NodeKeys | None:
        """What a PATCH would have to say; None where nothing but times would be new."""
        if wanted is None or self.known is None:
            return None
        change = wanted.unlike(self.known)
        return None if change.only_times() else change


def _wait_s(outcome: Outcome, failures: int, pace: Pace) -> float:
    """A token may have been replaced a moment ago: it is read again once, at once."""
    if outcome is Outcome.UNAUTHORIZED and failures == 1:
        return 0.0
    if outcome in (Outcome.FORBIDDEN, Outcome.UNKNOWN_NODE, Outcome.REFUSED):
        return RARELY_S * (1 + pace.chance() / 10)
    longest_s: float = min(FIRST_WAIT_S * 2 ** min(failures - 1, 10), LONGEST_WAIT_S)
    return longest_s * (0.5 + pace.chance() / 2)
