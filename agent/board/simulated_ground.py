# SPDX-License-Identifier: Apache-2.0
"""A simulated board: lines in memory, and behind them, its buses and its hwmon chips one plant."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.board.lines import open_memory_lines
from agent.hardware.i2c_bus import I2cBus
from agent.sim.hwmon import SimulatedHwmon
from agent.sim.plant import Plant
from agent.sim.rail_wirings import rail_wirings
from agent.sim.smbus import SimulatedSmbus
from agent.sim.snapshot import FILE, kept_levels, read
from agent.sim.world import SimulatedWorld

if TYPE_CHECKING:
    from agent.board.options import Options


class SimulatedGround:
    """Implements Ground. On the loop's thread."""

    def __init__(self, options: Options) -> None:
        """The world is the one that an earlier agent kept, if it is to be kept. Raises WorldError."""
        profile = self._profile = options.profile
        file = options.state_dir / FILE
        kept = read(file, profile, time.monotonic_ns()) if options.keep_world else None
        self.lines = open_memory_lines(profile, options.armed(), kept_levels(kept, profile) if kept else None)
        assert self.lines.chip is not None
        rails = rail_wirings(profile)
        self._plant = Plant(profile, time.monotonic_ns(), rails)
        self.world = SimulatedWorld(profile, self._plant, self.lines.chip, rails)
        if options.keep_world:
            self.world.keep_in(file, kept)

    def buses(self) -> dict[str, I2cBus]:
        return {name: I2cBus(name, SimulatedSmbus(self._plant, name)) for name in self._profile.buses}

    def hwmon_port(self) -> SimulatedHwmon:
        return SimulatedHwmon(self._profile, self._plant)
