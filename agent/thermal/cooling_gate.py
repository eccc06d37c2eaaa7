# SPDX-License-Identifier: Apache-2.0
"""Fans that must run before a host may be switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.gate import Policy, Refusal
from agent.power.request import Action

if TYPE_CHECKING:
    from agent.thermal.fans import Fans
    from agent.thermal.zones import ThermalZones


class CoolingGate:
    """Implements agent.power.gate.PowerGate for fans with `must_run`."""

    def __init__(self, zones: ThermalZones, fans: Fans) -> None:
        self._zones = zones
        self._fans = fans

    def refusal(self, domain: str, action: Action) -> Refusal | None:
        if action is not Action.ON:
            return None
        for zone in self._zones.protecting(domain):
            for table in self._fans.of_zone(zone.rules.name):
                view = self._fans.view(table.name)
                if not table.must_run:
                    continue
                if view.why:
                    return Refusal(Policy.COOLING, f"fan {table.name}: {view.why}", "make its chip answer")
                recovered_ns = self._fans.recovered_ns(table.name)
                if recovered_ns is not None:
                    turns = f"fan {table.name} was stalled and turns again at {view.rpm} RPM"
                    return Refusal(Policy.COOLING, turns, "wait until it has turned for a while", recovered_ns)
                if view.stalled:
                    turns = f"fan {table.name} turns at {view.rpm} RPM, it needs {table.min_rpm}"
                    return Refusal(Policy.COOLING, turns, "clear or replace the fan")
        return None
