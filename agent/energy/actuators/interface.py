# SPDX-License-Identifier: Apache-2.0
"""What a cap is applied through. What a machine does not have, forbids or refuses is an answer, no exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(Enum):
    DONE = "done"
    CLAMPED = "clamped"
    """Another value than the wanted one is in force."""
    ABSENT = "absent"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Applied:
    """How a write ended; `in_force_w` is what was read back, None where nothing can be."""

    answer: Answer
    wanted_w: float
    in_force_w: float | None
    reason: str = ""
    """One sentence with the file or register and the cure; empty when done."""


class CapActuator(Protocol):
    """One means. May block for milliseconds: called on a thread of its own, one call at a time."""

    name: str

    def range_w(self) -> tuple[float, float] | None:
        """Least and largest cap in watts; None = it says no limits."""
        ...

    def save(self) -> Mapping[str, str]:
        """What `restore` needs, by a name of each value's place: stored before the first write."""
        ...

    def apply(self, cap_w: float) -> Applied:
        """Set a cap of the whole machine and read it back."""
        ...

    def restore(self, saved: Mapping[str, str]) -> tuple[Applied, ...]:
        """Put back what `save` told, in this process or in one after it. What cannot be put back is told."""
        ...
