# SPDX-License-Identifier: Apache-2.0
"""What the engine does by itself: interlocks, rail sequences and power-good watches. Frozen configuration."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from native.lines import Condition


@dataclass(frozen=True)
class HoldOff:
    """Press a momentary output while its host's power-good is settled on: until it is off, at most to the line's limit.

    On a host that is off nothing is pressed. Fires once until the rule is reset.
    """

    output: str
    power_good: str


@dataclass(frozen=True)
class LatchLevel:
    """Drive a maintained output to a level; commands on it are refused until the rule is reset."""

    output: str
    active: bool


@dataclass(frozen=True)
class Interlock:
    """When `input` has settled at `active` for `settled_ms`, act at once in the engine's thread.

    settled_ms is at least 1; 0 acts on the raw edge, needs `raw_edge_ok` and never presses a button.
    Without an input it acts when `LineEngine.fire` is called, each time.
    """

    name: str
    input: str | None
    active: bool
    actions: tuple[HoldOff | LatchLevel, ...]
    settled_ms: float = 20.0
    raw_edge_ok: bool = False
    armed: bool = True
    fired: bool = False
    """It fired in an earlier run and was not reset: it starts latched, with its outputs as they are."""


class OnFailure(enum.Enum):
    """What a sequence does when a step fails."""

    UNWIND = 0
    """Undo in reverse what this run has changed."""
    FREEZE = 1
    """Leave everything as it is."""


@dataclass(frozen=True)
class RailStep:
    """Drive a maintained output, wait for a condition within `within_ms`, then delay."""

    output: str
    active: bool
    wait: Condition | None = None
    within_ms: float = 0.0
    delay_ms: float = 0.0


@dataclass(frozen=True)
class RailSequence:
    """Steps over maintained outputs, run by the engine; its outputs take no other command meanwhile."""

    name: str
    steps: tuple[RailStep, ...]
    on_failure: OnFailure = OnFailure.UNWIND


@dataclass(frozen=True)
class PowerGoodWatch:
    """Power-good must rise within `rise_ms` of a press of `presses`; a drop longer than `hold_off_ms` is a loss."""

    name: str
    input: str
    presses: tuple[str, ...] = ()
    rise_ms: float = 5000.0
    hold_off_ms: float = 100.0
