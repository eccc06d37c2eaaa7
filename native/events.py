# SPDX-License-Identifier: Apache-2.0
"""What the engine tells: frozen events and states. Every time is CLOCK_MONOTONIC in nanoseconds."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from native.lines import Steady


class Outcome(enum.Enum):
    """How a command ended."""

    COMPLETED = 0
    REFUSED = 1
    """Not carried out, no edge; the reason says why."""
    CANCELLED = 2
    PREEMPTED = 3
    """An interlock took the line."""
    FAILED = 4
    """The line could not be written."""
    LIMIT_REACHED = 5
    """A hold ran into its limit before its condition was met."""


@dataclass(frozen=True)
class CommandDone:
    """A command has ended. `started_ns` and `ended_ns` are taken at the writes, 0 if there was none."""

    time_ns: int
    token: int
    line: str
    outcome: Outcome
    asked_ms: float
    achieved_ms: float
    started_ns: int
    ended_ns: int
    reason: str


@dataclass(frozen=True)
class InputChanged:
    """An input has settled at something new since the edge at `edge_ns`."""

    time_ns: int
    line: str
    steady: Steady
    previous: Steady
    edge_ns: int


@dataclass(frozen=True)
class LineFailed:
    """A line cannot be read or written any more; it is tried again without further events until it works."""

    time_ns: int
    line: str
    reason: str


@dataclass(frozen=True)
class Resync:
    """Something was lost: `lost` edges of `line`, or with an empty line `lost` events. State must be read again."""

    time_ns: int
    line: str
    reason: str
    lost: int


class PowerGood(enum.Enum):
    """What a power-good watch saw."""

    ROSE = 0
    """It came within its time; from the press to the edge."""
    MISSING = 1
    """It did not come within its time after a press."""
    DIPPED = 2
    """It dropped for less than the hold-off; from drop to recovery."""
    LOST = 3
    """It dropped for longer than the hold-off. Whether that was wanted, the caller knows."""
    RECOVERED = 4
    """It came back after a loss, without a press."""


@dataclass(frozen=True)
class PowerGoodEvent:
    """A watch has something to tell. `from_ns` is the press or the drop, `to_ns` the edge that ended it, 0 if none."""

    time_ns: int
    watch: str
    what: PowerGood
    from_ns: int
    to_ns: int
    pressed_ns: int
    """The newest press of the watch's outputs, 0 if there was none."""


@dataclass(frozen=True)
class InterlockFired:
    """A rule acted on an output (or could not: REFUSED if the host is not on, FAILED if the write failed)."""

    time_ns: int
    rule: str
    output: str
    outcome: Outcome
    edge_ns: int
    action_ns: int
    reason: str


@dataclass(frozen=True)
class InterlockEnded:
    """The hold of a rule has ended: COMPLETED when power-good was off, LIMIT_REACHED at the line's limit."""

    time_ns: int
    rule: str
    output: str
    outcome: Outcome
    achieved_ms: float
    started_ns: int
    ended_ns: int
    reason: str


@dataclass(frozen=True)
class StepDone:
    """One step of a sequence: its write, and when its condition was met."""

    step: int
    driven_ns: int
    ready_ns: int


@dataclass(frozen=True)
class SequenceDone:
    """A rail sequence has ended. `failed_step` is -1 if it completed."""

    time_ns: int
    token: int
    sequence: str
    outcome: Outcome
    failed_step: int
    started_ns: int
    ended_ns: int
    steps: tuple[StepDone, ...]
    reason: str


@dataclass(frozen=True)
class SlowWrite:
    """Writing a line took longer than an engine can afford: its chip needs a thread of its own."""

    time_ns: int
    line: str
    took_us: float


LineEvent = (
    CommandDone
    | InputChanged
    | LineFailed
    | Resync
    | PowerGoodEvent
    | InterlockFired
    | InterlockEnded
    | SequenceDone
    | SlowWrite
)


@dataclass(frozen=True)
class InputState:
    """Present state of an input. `level` is the raw one; `stable_since_ns` belongs to `steady`."""

    steady: Steady
    level: bool
    stable_since_ns: int
    glitches: int | None
    """None where the kernel debounces: it does not tell."""
    raw_edges: int
    resyncs: int
    blink_period_ms: float | None
    """Measured while blinking."""


@dataclass(frozen=True)
class DelaySummary:
    """Percentiles of a delay since the last reset; upper ends of 12 % wide buckets."""

    count: int
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float


@dataclass(frozen=True)
class EngineStatistics:
    """How well the engine's thread keeps its times."""

    lateness: DelaySummary
    """From the deadline of a press to the write that ends it."""
    edge_to_action: DelaySummary
    """From the edge that an interlock waited for (plus its settling time) to its write."""
    write: DelaySummary
    """Duration of a write."""
    wakeups: int
    wakeups_per_s: float
    events_lost: int
    ring_high_water: int
    ring_capacity: int
