# SPDX-License-Identifier: Apache-2.0
"""Runs a plant on memory lines: hears the engine's outputs, drives its inputs, keeps the plant's time."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from agent.sim.plant import UnknownThing
from agent.sim.supply import Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.profile.schema import Profile
    from agent.sim.plant import Plant
    from native import MemoryChip


GRAMMAR = (
    f"supply NAME {'|'.join(one.value for one in Happening)}, bus NAME stuck|free|nack RATE|pec-errors RATE,"
    " host NAME hang|crash|ignore-soft-off|normal,"
    " sensor NAME VALUE|auto, load WATTS"
)


def _number(text: str, what: str) -> float:
    """A finite number. Raises ValueError with the cure."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} is a number (not {text!r})")
    return value


class SimulatedWorld:
    """Used on the loop's thread. The plant wakes only when something is due: at rest it costs nothing."""

    def __init__(self, profile: Profile, plant: Plant, chip: MemoryChip) -> None:
        self.plant = plant
        self._chip = chip
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._buttons: dict[str, tuple[Callable[[str, bool, int], None], str]] = {}
        self._power_good = {host.power_good: host.name for host in profile.hosts if host.power_good}
        for host in profile.hosts:
            if host.power_button:
                self._buttons[host.power_button] = (plant.power_button, host.name)
            if host.reset_button:
                self._buttons[host.reset_button] = (plant.reset_button, host.name)

    def start(self) -> None:
        self._loop.add_reader(self._chip.fileno(), self._outputs_changed)
        self.advance()

    def close(self) -> None:
        self._loop.remove_reader(self._chip.fileno())
        if self._timer:
            self._timer.cancel()

    def happen(self, words: Sequence[str]) -> str:
        """Play with the world: `supply 1 remove`, `host 0 hang`, `sensor inlet 45`, `sensor inlet auto`, `load 300`.

        Returns what was done, for a person. Raises UnknownThing, ValueError.
        """
        now_ns = time.monotonic_ns()
        match words:
            case ["supply", name, happening]:
                self.plant.supply(name, happening, now_ns)
            case ["bus", name, happening]:
                self.plant.bus(name, happening, 0.0)
            case ["bus", name, happening, rate]:
                self.plant.bus(name, happening, _number(rate, "a rate"))
            case ["host", name, happening]:
                self.plant.host(name, happening, now_ns)
            case ["sensor", name, "auto"]:
                self.plant.sensor(name, None)
            case ["sensor", name, value]:
                self.plant.sensor(name, _number(value, "a temperature"))
            case ["load", value]:
                self.plant.load(_number(value, "a load"), now_ns)
            case _:
                raise UnknownThing(f"the simulated world knows: {GRAMMAR}")
        self.advance()
        return " ".join(words)

    def _outputs_changed(self) -> None:
        for change in self._chip.drain():
            if change.name in self._buttons:
                press, host = self._buttons[change.name]
                press(host, change.active, change.time_ns)
        self.advance()

    def advance(self) -> None:
        """Bring the plant to now and its levels onto the lines; call after changing the plant by hand."""
        now_ns = time.monotonic_ns()
        due_ns = self.plant.advance(now_ns)
        for line, host in self._power_good.items():
            level = self.plant.power_good(host)
            if self._chip.level(line) != level:
                self._chip.drive(line, level)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if due_ns is not None:
            self._timer = self._loop.call_later(max(0.0, (due_ns - now_ns) / 1e9), self.advance)
