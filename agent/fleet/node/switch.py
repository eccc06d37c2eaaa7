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

    def proven(self, *, awake: bool) -> bool:
        """It would wake the node. `awake`: the node says that it is: a sense that denies it is of another machine."""
        return not self.unable and self.actual is not None and not (awake and self.actual is Direction.DOWN)

    @property
    def ready(self) -> bool:
        """It may be used now: on a machine that runs, or may run, it never is."""
        return not self.unable and self.actual is Direction.DOWN
