# SPDX-License-Identifier: Apache-2.0
"""What thermal zones allow: one model each, taught by every look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.energy.meters.interface import Quantity
from agent.energy.policies.situation import HeatView
from agent.energy.thermal_fit import ThermalFit
from agent.energy.thermal_model import ThermalModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.energy.meters.meter_set import Measured
    from agent.energy.policy_tables import ThermalTable

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ZoneNow:
    """A thermal zone as it reads now; None = unknown."""

    celsius: float | None
    trip_c: float | None
    """Where it begins to act against heat: its passive trip, else its hot one."""
    fan_percent: float | None = None


class Heat:
    """Used on the loop's thread."""

    def __init__(self, tables: Sequence[ThermalTable], zone: Callable[[str], ZoneNow]) -> None:
        self._tables = {table.title: table for table in tables}
        self._zone = zone
        self.models = {table.zone: ThermalModel() for table in tables}
        """By the name of the zone; two policies of one zone share its model."""

    def look(self, measured: Measured, now_ns: int) -> Mapping[str, HeatView]:
        """By the name of its policy. The whole machine's power counts, else that of its processors."""
        watts = measured.watts(Quantity.NODE_W)
        watts = measured.watts(Quantity.CPU_W) if watts is None else watts
        zones = {name: self._zone(name) for name in self.models}
        for name, now in zones.items():
            if now.celsius is not None and watts is not None:
                self.models[name].add(now_ns / NS_PER_S, now.celsius, watts, now.fan_percent)
        return {title: self._view(table, zones[table.zone]) for title, table in self._tables.items()}

    def trip_c(self, zone: str) -> float | None:
        """What the policy of this zone keeps away."""
        given = next((table.trip_c for table in self._tables.values() if table.zone == zone), None)
        return self._zone(zone).trip_c if given is None else given

    def _view(self, table: ThermalTable, now: ZoneNow) -> HeatView:
        trip_c = now.trip_c if table.trip_c is None else table.trip_c
        if trip_c is None:
            return HeatView(None, f"zone {table.zone} has no passive or hot trip: give trip_c")
        if now.celsius is None:
            return HeatView(None, f"no sensor of zone {table.zone} reads", lost=True)
        here = f"zone {table.zone} is at {now.celsius:.0f} of {trip_c:g} C"
        if now.celsius >= trip_c:
            return HeatView(None, here, hot=True)
        model = self.models[table.zone]
        fit = model.fit()
        if not isinstance(fit, ThermalFit):
            return HeatView(None, f"{here}; no model yet: {fit.why}")
        limit_w = model.largest_power_w(trip_c, now.celsius, table.ahead_s)
        return HeatView(limit_w, f"{here}; this keeps it away for {table.ahead_s / 60:g} min")
