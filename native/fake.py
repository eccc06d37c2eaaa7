# SPDX-License-Identifier: Apache-2.0
"""The engine alone, under a clock that the caller sets: no thread, no lines. For tests of configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from native._core import ffi, lib


@dataclass(frozen=True)
class FakeWrite:
    """An output was written."""

    time_ns: int
    output: int
    active: bool


class FakeEngine:
    """The C state machine with ports that lead nowhere. One thread. Lines are indexes, times are nanoseconds.

    `raw` is the C structure behind it: levels, read_errors, write_errors, slow and write_ns may be set there.
    """

    def __init__(self) -> None:
        self.raw: Any = ffi.gc(lib.FAK_Create(), lib.FAK_Destroy)
        self._engine = self.raw.engine

    @property
    def now_ns(self) -> int:
        """The clock."""
        return int(self.raw.clock_ns)

    @now_ns.setter
    def now_ns(self, now_ns: int) -> None:
        self.raw.clock_ns = now_ns

    def add_output(self, *, momentary: bool, max_press_ns: int = 0, initial: bool = False) -> int:
        """Returns the index of a new output, or a negative ENG_ERROR."""
        config = {
            "line_class": lib.ENG_MOMENTARY if momentary else lib.ENG_MAINTAINED,
            "initial": initial,
            "max_press_ns": max_press_ns,
        }
        return int(lib.ENG_AddOutput(self._engine, ffi.new("ENG_OutputConfig *", config)))

    def add_input(
        self, *, rise_ns: int, fall_ns: int, led: bool = False, poll_ns: int = 0, blink_max_ns: int = 5 * 10**9
    ) -> int:
        """Returns the index of a new input, or a negative ENG_ERROR."""
        config = {
            "source": lib.ENG_LED if led else lib.ENG_LEVEL,
            "rise_ns": rise_ns,
            "fall_ns": fall_ns,
            "poll_ns": poll_ns,
            "blink_max_ns": blink_max_ns,
        }
        return int(lib.ENG_AddInput(self._engine, ffi.new("ENG_InputConfig *", config)))

    def start(self) -> None:
        """Starts at the present time."""
        lib.ENG_Start(self._engine, self.now_ns)

    def stop(self) -> None:
        """Stops at the present time."""
        lib.ENG_Stop(self._engine, self.now_ns)

    def command(self, **fields: Any) -> None:
        """Gives an order; conditions default to none."""
        order = ffi.new("ENG_Order *")
        order.precondition.input = -1
        order.until.input = -1
        order.count = 1
        for name, value in fields.items():
            setattr(order, name, value)
        lib.ENG_Command(self._engine, order, self.now_ns)

    def edge(self, index: int, active: bool, edge_ns: int) -> None:
        """Reports an edge of an input."""
        lib.ENG_Edge(self._engine, index, active, edge_ns, self.now_ns)

    def edges_lost(self, index: int, lost: int) -> None:
        """Reports edges that were lost."""
        lib.ENG_EdgesLost(self._engine, index, lost, self.now_ns)

    def advance(self) -> None:
        """Carries out what is due at the present time."""
        lib.ENG_Advance(self._engine, self.now_ns)

    def next_deadline(self) -> int:
        """Returns when advance() is needed next; 2**63-1 for never."""
        return int(lib.ENG_NextDeadline(self._engine))

    def run(self, span_ns: int) -> None:
        """Lets time pass, from deadline to deadline."""
        end_ns = self.now_ns + span_ns
        while (due_ns := self.next_deadline()) <= end_ns:
            self.now_ns = max(self.now_ns, due_ns)
            self.advance()
        self.now_ns = max(self.now_ns, end_ns)
        self.advance()

    def input(self, index: int) -> Any:
        """Returns the ENG_InputState of an input."""
        state = ffi.new("ENG_InputState *")
        lib.ENG_GetInput(self._engine, index, state)
        return state

    def take_writes(self) -> list[FakeWrite]:
        """Takes the log of writes."""
        writes = [
            FakeWrite(item.time_ns, item.output, bool(item.active))
            for item in self.raw.writes[0 : self.raw.write_count]
        ]
        self.raw.write_count = 0
        return writes

    def take_events(self) -> list[Any]:
        """Takes the events, as copies of the C structures."""
        events = [ffi.new("ENG_Event *", self.raw.events[i])[0] for i in range(self.raw.event_count)]
        self.raw.event_count = 0
        return events
