# SPDX-License-Identifier: Apache-2.0
"""A small board on memory lines: a button, a rail, power-good and a sensor, and patience for events."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any, TypeVar

from native import (
    CommandDone,
    EngineConfig,
    InputChanged,
    InputLine,
    LineClass,
    LineEngine,
    LineEvent,
    MemoryChip,
    OutputLine,
    Steady,
    ThreadConfig,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Event = TypeVar("Event")
PLAIN = ThreadConfig(fifo_priority=None, lock_memory=False)
PATIENCE_S = 30.0
LONG_MS = 60_000
"""Of a press that must not end by itself, however long this machine stands still."""


class Rig:
    """An engine and its chip; remembers every event that it has seen."""

    def __init__(self, *, max_press_ms: int = 1000, **parts: Any) -> None:
        chip = MemoryChip(["BUTTON", "RAIL", "GOOD", "HOT"])
        lines = {
            "outputs": (
                OutputLine("BUTTON", chip.line("BUTTON"), LineClass.MOMENTARY, max_press_ms=max_press_ms),
                OutputLine("RAIL", chip.line("RAIL"), LineClass.MAINTAINED, initial=False),
            ),
            "inputs": (
                InputLine("GOOD", chip.line("GOOD"), rise_ms=5, fall_ms=5),
                InputLine("HOT", chip.line("HOT"), rise_ms=2, fall_ms=2),
            ),
        }
        self._equip(chip, EngineConfig(**(lines | parts)))

    @classmethod
    def over(cls, chip: MemoryChip, config: EngineConfig) -> Rig:
        """Returns a rig over lines of the caller's."""
        rig = cls.__new__(cls)
        rig._equip(chip, config)
        return rig

    def _equip(self, chip: MemoryChip, config: EngineConfig) -> None:
        self.chip = chip
        self.engine = LineEngine(config, PLAIN)
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

    def done(self, token: int) -> CommandDone:
        """Returns how a command ended."""
        return self.wait(CommandDone, lambda event: event.token == token)

    def until(self, holds: Callable[[], bool]) -> None:
        """The engine's thread does what it was told when it is its turn."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline_s, "never came"
            time.sleep(0.001)

    def settle(self, name: str, active: bool) -> InputChanged:
        """Drives an input and waits until the engine believes it."""
        self.chip.drive(name, active)
        steady = Steady.ACTIVE if active else Steady.INACTIVE
        return self.wait(InputChanged, lambda event: event.line == name and event.steady is steady)
