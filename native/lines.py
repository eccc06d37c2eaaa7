# SPDX-License-Identifier: Apache-2.0
"""What the engine is told about lines: frozen configuration, checked when the engine is made."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from native.memory import MemoryLine
    from native.rules import Interlock, PowerGoodWatch, RailSequence


class LineClass(enum.Enum):
    """What an output is, and so what start, stop and a crash do to it."""

    MOMENTARY = 0
    """A button: idle at start, at stop and after a crash."""
    MAINTAINED = 1
    """A rail, a relay, PSON#: the level at start is adopted, the level at stop is kept."""


class InputSource(enum.Enum):
    """What drives an input."""

    LEVEL = 0
    """A signal with two levels."""
    LED = 1
    """A power LED: it may blink while the host sleeps."""


class Debounce(enum.Enum):
    """Who debounces an input."""

    ENGINE = 0
    """The engine, with a time for each direction; glitches are counted."""
    KERNEL = 1
    """The line's request (debounce_period): one time, a jiffy of tolerance, and glitches that nobody sees."""


class Steady(enum.Enum):
    """Settled state of an input, after polarity."""

    UNKNOWN = 0
    INACTIVE = 1
    ACTIVE = 2
    BLINKING = 3


@dataclass(frozen=True)
class KernelLine:
    """A line of the GPIO character device: the descriptor of a uAPI v2 request of this one line.

    The engine works on a duplicate; the caller keeps its own and must not read edges from it. Polarity, bias, drive
    and edge detection (both edges for an input) belong to the request. Two edges that are closer than the latency of
    the interrupt are one or none to the kernel; no software sees them.
    """

    fd: int


@dataclass(frozen=True)
class OutputLine:
    """An output. `max_press_ms` bounds every press of a momentary line; `initial` is the level of a maintained one.

    Lines that name the same `slow_chip` share a thread of their own, so that a bus that sleeps delays no other line.
    A line that is measured to be slow gets one without being asked. Interlocks take no slow outputs.
    """

    name: str
    line: KernelLine | MemoryLine
    line_class: LineClass
    max_press_ms: float = 0.0
    initial: bool | None = None
    slow_chip: str | None = None


@dataclass(frozen=True)
class InputLine:
    """An input with its debounce times. `poll_us` is for lines without edge support: 100 us to 1 s.

    With Debounce.KERNEL the times say what the request asked the kernel for; both must be the same.
    """

    name: str
    line: KernelLine | MemoryLine
    rise_ms: float = 20.0
    fall_ms: float = 20.0
    source: InputSource = InputSource.LEVEL
    poll_us: int | None = None
    blink_max_ms: float = 5000.0
    """LED only: the longest blink period to expect. Until a period was measured, off takes 1.5 times this."""
    slow_chip: str | None = None
    debounce: Debounce = Debounce.ENGINE


@dataclass(frozen=True)
class Condition:
    """The input has settled at this level for at least `stable_ms`. An input that blinks meets neither level.

    `steady` names what a level cannot: Steady.BLINKING, of an LED. If given, it counts instead of `active`.
    """

    input: str
    active: bool = False
    stable_ms: float = 0.0
    steady: Steady | None = None


@dataclass(frozen=True)
class ThreadConfig:
    """What the engine's thread asks of the kernel. Each is optional: what cannot be had is reported, not an error."""

    fifo_priority: int | None = 50
    cpu: int | None = None
    lock_memory: bool = True


@dataclass(frozen=True)
class EngineConfig:
    """All lines of one engine, and what it does by itself."""

    outputs: tuple[OutputLine, ...] = ()
    inputs: tuple[InputLine, ...] = ()
    interlocks: tuple[Interlock, ...] = ()
    sequences: tuple[RailSequence, ...] = ()
    watches: tuple[PowerGoodWatch, ...] = ()
