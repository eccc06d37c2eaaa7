# SPDX-License-Identifier: Apache-2.0
"""A board's hold on the machine of a node that sleeps: another means to wake it than packets."""

from __future__ import annotations

from dataclasses import dataclass

from agent.fleet.node.documents import Direction


@dataclass(frozen=True, slots=True)
class Switch:
    """A button wire, a plug or a remote controller, as the board's host has it. As seen now.

    `actual` is what the power sense says; None = it says nothing. `unable` says why it cannot be switched on.
    """

    node: str
    actual: Direction | None
    unable: str = ""

    def lacks(self, *, awake: bool) -> str:
        """Why it would not wake the node; empty = it would. `awake`: the node says that it is."""
        if self.unable:
            return self.unable
        if self.actual is None:
            return "its power cannot be sensed"
        if awake and self.actual is Direction.DOWN:
            return f"its power is off while {self.node} says that it is up: it is wired to another machine"
        return ""

    def proven(self, *, awake: bool) -> bool:
        """It would wake the node."""
        return not self.lacks(awake=awake)

    @property
    def ready(self) -> bool:
        """It may be used now: on a machine that runs, or may run, it never is."""
        return not self.unable and self.actual is Direction.DOWN
