# SPDX-License-Identifier: Apache-2.0
"""Why a message of the fleet was not believed; each reason has a name and is counted."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field


class RefusedBecause(enum.Enum):
    """The value is the name under which it is counted."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    OTHER_NODE = "other-node"
    OTHER_SEGMENT = "other-segment"
    UNKNOWN_NODE = "unknown-node"
    STALE = "stale"
    """An older revision or number than the one that is known: late, or played back."""
    CONFLICT = "conflict"
    """The same revision with another content: two owners."""
    TOO_MANY = "too-many"
    IMPLAUSIBLE = "implausible"


@dataclass(frozen=True, slots=True)
class Refusal:
    because: RefusedBecause
    text: str


@dataclass(frozen=True, slots=True)
class Alarming:
    """A message that was refused although nothing is late or played back by a broker: somebody has written it so."""

    because: RefusedBecause
    text: str
    at_ns: int


@dataclass(slots=True)
class RefusalCounts:
    """What was refused so far, by reason, and the last text of each."""

    count: Counter[RefusedBecause] = field(default_factory=Counter)
    last: dict[RefusedBecause, str] = field(default_factory=dict)

    alarming: Alarming | None = None
    """The last one that is not just stale."""

    def add(self, refusal: Refusal, now_ns: int) -> None:
        self.count[refusal.because] += 1
        self.last[refusal.because] = refusal.text
        if refusal.because is not RefusedBecause.STALE:
            self.alarming = Alarming(refusal.because, refusal.text, now_ns)
