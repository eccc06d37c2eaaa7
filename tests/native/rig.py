# SPDX-License-Identifier: Apache-2.0
"""A small board on memory lines: a button, a rail, power-good and a sensor, and patience for events."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any, TypeVar

from native import (
    EngineConfig,
    InputLine,
    LineClass,
    LineEngine,
    LineEvent,
    MemoryChip,
    OutputLine,
    ThreadConfig,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Event = TypeVar("Event")
PLAIN = ThreadConfig(fifo_priority=None, lock_memory=False)
PATIENCE_S = 5.0


class Rig:
    """The engine and its chip; remembers every event that it has seen."""

    def __init__(self, **parts: Any) -> None:
        self.chip = MemoryChip(["BUTTON", "RAIL", "GOOD", "HOT"])
        config = {
            "outputs": (
                OutputLine("BUTTON", self.chip.line("BUTTON"), LineClass.MOMENTARY, max_press_ms=1000),
                OutputLine("RAIL", self.chip.line("RAIL"), LineClass.MAINTAINED, initial=False),
            ),
            "inputs": (
                InputLine("GOOD", self.chip.line("GOOD"), rise_ms=5, fall_ms=5),
                InputLine("HOT", self.chip.line("HOT"), rise_ms=2, fall_ms=2),
            ),
        }
        self.engine = LineEngine(EngineConfig(**(config | parts)), PLAIN)
        self.seen: list[LineEvent] = []

    def __enter__(self) -> Rig:
        self.engine.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.close()
        self.chip.close()

    def wait(self, kind: type[Event], wanted: Callable[[Event], bool] = lambda event: True) -> Event:
        """Returns the first event of a kind, already seen or still to come; it is not returned again."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            self.seen.extend(self.engine.events())
            for event in self.seen:
                if isinstance(event, kind) and wanted(event):
                    self.seen.remove(event)
                    return event
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"no such {kind.__name__}; seen: {self.seen}"
            select.select([self.engine.fileno()], [], [], left_s)
