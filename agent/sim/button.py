# SPDX-License-Identifier: Apache-2.0
"""A front-panel button as the host feels it: the board's output, a person's finger, and faults of the wire."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Button:
    """The board's contact and the finger are wired in parallel. Times are monotonic nanoseconds."""

    driven: bool = False
    """The board's output presses it."""
    finger_until_ns: int | None = None
    """A person presses it until then."""
    dead: bool = False
    """The board's output has no effect: a cut wire."""
    stuck: bool = False
    """It is pressed for good: a jammed button, a shorted contact."""

    through_board: bool = False
    """The finger's button is wired to the board, which passes presses on or does not."""

    @property
    def finger(self) -> bool:
        """A person presses it now."""
        return self.finger_until_ns is not None

    @property
    def pressed(self) -> bool:
        return self.stuck or (self.finger and not self.through_board) or (self.driven and not self.dead)

    def repair(self) -> None:
        self.dead = self.stuck = False
