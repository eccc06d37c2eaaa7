# SPDX-License-Identifier: Apache-2.0
"""Runs a plant on memory lines: hears the engine's outputs, drives its inputs, keeps the plant's time."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from agent.sim import snapshot, words
from agent.sim.plant_lines import PlantLines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.profile.schema import Profile
    from agent.sim.plant import Plant
    from agent.sim.rail import RailWiring
    from agent.sim.snapshot import Snapshot
    from native import MemoryChip

log = logging.getLogger(__name__)

KEEP_NS = 20_000_000
"""While an output is active the world is written this often, so that a killed agent leaves the time of its death."""


class SimulatedWorld:
    """Used on the loop's thread. The plant wakes only when something is due: at rest it costs nothing."""

    def __init__(self, profile: Profile, plant: Plant, chip: MemoryChip, rails: Sequence[RailWiring] = ()) -> None:
        self.plant = plant
        self.lines = PlantLines(profile, plant, rails)
        self._profile = profile
        self._chip = chip
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._keep_in: Path | None = None

    def keep_in(self, file: Path, earlier: Snapshot | None) -> None:
        """Let the world outlive the agent in this file, beginning with what an earlier one left."""
        self._keep_in = file
        if earlier is not None:
            snapshot.restore(earlier, self._profile, self.lines)

    def start(self) -> None:
        self._loop.add_reader(self._chip.fileno(), self._outputs_changed)
        for name, table in self._profile.lines.items():
            if table.class_ == "maintained":
                self.lines.output_changed(name, self._chip.level(name), time.monotonic_ns())
        self.advance()

    def close(self) -> None:
        self._loop.remove_reader(self._chip.fileno())
        if self._timer:
            self._timer.cancel()
        self._keep()

    def happen(self, said: Sequence[str]) -> str:
        """Play with the world. Returns what was done, for a person. Raises UnknownThing, ValueError."""
        done = words.happen(self.plant, said, time.monotonic_ns())
        self.advance()
        return done

    def outputs(self) -> dict[str, dict[str, object]]:
        """What each output did, as the world saw it."""
        now_ns = time.monotonic_ns()
        return {name: record.document(now_ns) for name, record in self.lines.record.items()}

    def _outputs_changed(self) -> None:
        for change in self._chip.drain():
            self.lines.output_changed(change.name, change.active, change.time_ns)
        self.advance()

    def advance(self) -> None:
        """Bring the plant to now and its levels onto the lines; call after changing the plant by hand."""
        now_ns = time.monotonic_ns()
        due_ns = self.plant.advance(now_ns)
        for line, level in self.lines.inputs(now_ns).items():
            if self._chip.level(line) != level:
                self._chip.drive(line, level)
        self._keep()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._keep_in and self.lines.any_active:
            due_ns = min(due_ns or now_ns + KEEP_NS, now_ns + KEEP_NS)
        if due_ns is not None:
            self._timer = self._loop.call_later(max(0.0, (due_ns - now_ns) / 1e9), self.advance)

    def _keep(self) -> None:
        if self._keep_in is None:
            return
        try:
            snapshot.write(self._keep_in, snapshot.take(self._profile, self.lines, time.monotonic_ns()))
        except OSError as error:
            log.warning("%s: %s: the world ends with this agent", self._keep_in, error.strerror or error)
            self._keep_in = None
