# SPDX-License-Identifier: Apache-2.0
"""Requests of gpio-sim lines and patience for the engine's events, for tests that drive LineEngine directly."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import gpiod
from gpiod.line import Direction, Edge, Value

from native import InputChanged, KernelLine, LineClass, LineEngine, OutputLine, Steady, ThreadConfig
from tests.hardware.gpio_sim import SimLine

if TYPE_CHECKING:
    from collections.abc import Callable

CHIP = os.environ.get("HWLAB_GPIOCHIP", "/dev/gpiochip0")
SIM = Path(os.environ.get("HWLAB_GPIOSIM", "/sys/devices/platform/gpio-sim.0/gpiochip0"))
BUTTON, GOOD, RAIL, HOT, LED = 0, 4, 5, 13, 7
PLAIN = ThreadConfig(fifo_priority=None, lock_memory=False)
PATIENCE_S = 10.0
Event = TypeVar("Event")


def outside(offset: int) -> SimLine:
    return SimLine(SIM / f"sim_gpio{offset}")


def request(offset: int, settings: gpiod.LineSettings, chip: str = CHIP) -> gpiod.LineRequest:
    return gpiod.request_lines(chip, consumer="pgood-test", config={offset: settings})


def output(offset: int, active: bool = False, chip: str = CHIP, **more: object) -> gpiod.LineRequest:
    value = Value.ACTIVE if active else Value.INACTIVE
    settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=value, **more)  # type: ignore[arg-type]
    return request(offset, settings, chip)


def edges(offset: int, chip: str = CHIP, **more: object) -> gpiod.LineRequest:
    settings = gpiod.LineSettings(direction=Direction.INPUT, edge_detection=Edge.BOTH, **more)  # type: ignore[arg-type]
    return request(offset, settings, chip)


def level_only(offset: int, chip: str = CHIP) -> gpiod.LineRequest:
    """An input without edges, to be polled."""
    return request(offset, gpiod.LineSettings(direction=Direction.INPUT), chip)


def button(line: gpiod.LineRequest, max_press_ms: float = 2000) -> OutputLine:
    return OutputLine("BUTTON", KernelLine(line.fd), LineClass.MOMENTARY, max_press_ms)


def rail(line: gpiod.LineRequest, name: str = "RAIL", initial: bool = False, slow: str | None = None) -> OutputLine:
    return OutputLine(name, KernelLine(line.fd), LineClass.MAINTAINED, initial=initial, slow_chip=slow)


class Ears:
    """Every event of an engine that a test has not asked for yet."""

    def __init__(self, engine: LineEngine) -> None:
        self._engine = engine
        self.waiting: list[object] = []

    def wait(self, kind: type[Event], wanted: Callable[[Event], bool] = lambda event: True) -> Event:
        """The first event of a kind, told already or still to come; it is not returned again."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            self.waiting.extend(self._engine.events())
            for event in self.waiting:
                if isinstance(event, kind) and wanted(event):
                    self.waiting.remove(event)
                    return event
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"no such {kind.__name__}; told: {self.waiting}"
            select.select([self._engine.fileno()], [], [], left_s)

    def steady(self, name: str, steady: Steady) -> InputChanged:
        return self.wait(InputChanged, lambda event: event.line == name and event.steady is steady)
