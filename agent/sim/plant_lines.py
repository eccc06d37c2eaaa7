# SPDX-License-Identifier: Apache-2.0
"""Which line of a profile is which part of the plant: levels of outputs go in, levels of inputs come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.sim.press_record import PressRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.profile.schema import Profile
    from agent.sim.plant import Plant
    from agent.sim.rail import RailWiring


class PlantLines:
    """The same for lines in memory and for the kernel's simulated chips. Levels are logical: active or not."""

    def __init__(self, profile: Profile, plant: Plant, rails: Sequence[RailWiring] = ()) -> None:
        self.plant = plant
        self.drives: dict[str, tuple[Callable[[str, bool, int], None], str]] = {}
        """What each output does, and to which part."""
        self._power_good = {host.power_good: host.name for host in profile.hosts if host.power_good}
        self._rail_good = {wiring.power_good: wiring.name for wiring in rails if wiring.power_good}
        self._panel = {host.front_power_button: host.name for host in profile.hosts if host.front_power_button}
        self._mains = profile.mains.line
        self._presence = {table.presence_line: table.name for table in profile.supplies if table.presence_line}
        for host in profile.hosts:
            if host.power_button:
                self.drives[host.power_button] = (plant.power_button, host.name)
            if host.reset_button:
                self.drives[host.reset_button] = (plant.reset_button, host.name)
        for wiring in rails:
            self.drives[wiring.output] = (plant.rail_output, wiring.name)
        self.record = {name: PressRecord() for name, line in profile.lines.items() if line.direction == "output"}
        """What each output did."""

    def output_changed(self, name: str, active: bool, now_ns: int) -> None:
        if name in self.record:
            self.record[name].changed(active, now_ns)
        if name in self.drives:
            drive, part = self.drives[name]
            drive(part, active, now_ns)

    def inputs(self, now_ns: int) -> dict[str, bool]:
        """The level that every input of the plant has at this instant."""
        plant = self.plant
        levels = {line: plant.power_good_line(host, now_ns) for line, host in self._power_good.items()}
        levels |= {line: plant.rail_power_good(rail, now_ns) for line, rail in self._rail_good.items()}
        levels |= {line: plant.hosts[host].button.finger for line, host in self._panel.items()}
        levels |= {line: plant.supplies[name].present for line, name in self._presence.items()}
        if self._mains:
            levels[self._mains] = plant.mains
        return levels

    @property
    def any_active(self) -> bool:
        return any(record.active_since_ns is not None for record in self.record.values())
