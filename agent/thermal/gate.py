# SPDX-License-Identifier: Apache-2.0
"""What heat has against switching a host on: a zone that is hot, or one that nobody can read (safety rule 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.power.gate import Policy, Refusal
from agent.power.request import Action
from agent.thermal.zone import Trip

if TYPE_CHECKING:
    from agent.thermal.zone import Zone
    from agent.thermal.zones import ThermalZones


class ThermalGate:
    """Implements agent.power.gate.PowerGate. A cycle of a running host is refused only by heat, never by a lost wire:
    the host runs already."""

    def __init__(self, zones: ThermalZones) -> None:
        self._zones = zones

    def refusal(self, domain: str, action: Action) -> Refusal | None:
        if action not in (Action.ON, Action.CYCLE):
            return None
        for zone in self._zones.protecting(domain):
            refusal = _too_hot(zone) or (_unread(zone) if action is Action.ON else None)
            if refusal is not None:
                return refusal
        return None


def _too_hot(zone: Zone) -> Refusal | None:
    trip = next((trip for trip in (Trip.CRITICAL, Trip.HOT) if trip in zone.tripped), None)
    if trip is None:
        return None
    hottest, name = zone.hottest, zone.rules.name
    reading = f"{hottest[0]} reads {hottest[1]:.1f} C" if hottest else "no sensor reads"
    point = min(
        (zone.rules.trips[one] for one in (Trip.HOT, Trip.CRITICAL) if one in zone.tripped), key=lambda p: p.celsius
    )
    until = f"let it cool below {point.celsius - point.hysteresis_c:g} C"
    return Refusal(Policy.THERMAL, f"zone {name} is {trip.value}, {reading}", until)


def _unread(zone: Zone) -> Refusal | None:
    if not zone.lost:
        return None
    lost = zone.lost[0]
    reading = f"sensor {lost} of zone {zone.rules.name} is lost ({zone.tracks[lost].why})"
    return Refusal(Policy.THERMAL, reading, "bring the sensor back, or take it out of the zone")
