# SPDX-License-Identifier: Apache-2.0
"""What a profile tells the line engine to do by itself: interlocks, rail sequences, watches, and its thread."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.profile.base import Name, Table

Level = Literal["active", "inactive"]
SpanMs = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]
GuardedState = Literal["off", "powering-on", "on", "sleeping", "powering-off", "cycling", "fault"]
"""Host states by which an interlock is armed; the words of `pgood status`."""


class InterlockTable(Table, frozen=True):
    """When `input` has settled at `level` for `settled_ms`, act at once in the engine's thread, once until a reset."""

    name: Name
    input: str
    level: Level = "active"
    settled_ms: SpanMs = 20.0
    raw_edge_ok: bool = False
    """Lets settled_ms be 0: act on the edge itself. Never for hold_off."""
    hold_off: tuple[str, ...] = ()
    """Hosts whose power button is held until their power-good is off, if it is settled on."""
    drive: dict[str, Level] = msgspec.field(default_factory=dict)
    """Maintained lines and the level at which they stay until the rule is reset."""
    host: str = ""
    armed_in: tuple[GuardedState, ...] = ()
    """States of `host` in which the rule may act; none given = always."""


class StepTable(Table, frozen=True):
    """Drive a line, wait for an input within a time, then delay."""

    line: str
    level: Level = "active"
    wait: str = ""
    wait_level: Literal["active", "inactive", "blinking"] = "active"
    stable_ms: SpanMs = 0.0
    within_ms: SpanMs = 0.0
    delay_ms: SpanMs = 0.0


class SequenceTable(Table, frozen=True):
    """Steps over maintained lines, run by the engine."""

    name: Name
    steps: tuple[StepTable, ...]
    on_failure: Literal["unwind", "freeze"] = "unwind"


class WatchTable(Table, frozen=True):
    """Power-good must rise within `rise_ms` of a press, then hold; a drop longer than `hold_off_ms` is a loss."""

    name: Name
    input: str
    presses: tuple[str, ...] = ()
    rise_ms: Annotated[float, msgspec.Meta(gt=0, le=3_600_000)] = 5000.0
    hold_off_ms: SpanMs = 100.0


class EngineTable(Table, frozen=True):
    """What the engine's thread asks of the kernel; what it cannot have is reported and not an error."""

    priority: Annotated[int, msgspec.Meta(ge=0, le=99)] = 50
    """SCHED_FIFO; 0 = an ordinary thread."""
    cpu: Annotated[int, msgspec.Meta(ge=0, le=1023)] | None = None
    lock_memory: bool = True
