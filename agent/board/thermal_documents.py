# SPDX-License-Identifier: Apache-2.0
"""Thermal zones and fans as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.thermal.zone import ZoneState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.thermal.fans import Fans, FanView
    from agent.thermal.zone import Zone
    from agent.thermal.zones import ThermalZones

Document = dict[str, object]
HEALTHY = (ZoneState.UNKNOWN, ZoneState.NORMAL, ZoneState.ACTIVE)
"""Fans that are busy are no problem."""


def zone_document(zones: ThermalZones, fans: Fans, name: str) -> Document:
    """What MQTT retains at `thermal/<zone>/state`: rounded, so that it is not told anew for every flicker."""
    zone = zones.all()[name]
    hottest = zone.hottest
    return {
        "state": zone.state.value,
        "hottest": None if hottest is None else {"sensor": hottest[0], "celsius": round(hottest[1])},
        "trips": {
            trip.value: {
                "celsius": point.celsius,
                "hysteresis_c": point.hysteresis_c,
                "exceeded": trip in zone.tripped,
            }
            for trip, point in zone.rules.trips.items()
        },
        "sensors": list(zone.tracks),
        "lost_sensors": {name: zone.tracks[name].why for name in zone.lost},
        "fail_safe": zone.fail_safe,
        "domains": list(zones.domains(name)),
        "fans": {table.name: _fan(fans.view(table.name)) for table in fans.of_zone(name)},
    }


def fan_readings(fans: Fans) -> Mapping[str, Document]:
    """What telemetry has of every fan; null = unavailable."""
    views = {table.name: fans.view(table.name) for table in fans.tables}
    return {name: {"duty_percent": view.duty_percent, "rpm": view.rpm} for name, view in views.items()}


def thermal_problems(zones: ThermalZones, fans: Fans) -> Iterator[tuple[str, str]]:
    """Source and reason of everything that is wrong."""
    for name, zone in zones.all().items():
        if zone.state not in HEALTHY:
            yield f"thermal/{name}", f"{zone.state.value}{_by(zone)}"
        for sensor in zone.lost:
            yield f"thermal/{name}", f"sensor {sensor} is lost: fans at fail-safe, power-on blocked"
    for table in fans.tables:
        view = fans.view(table.name)
        if view.why:
            yield f"fan/{table.name}", view.why
        elif view.stalled:
            yield f"fan/{table.name}", f"turns at {view.rpm} RPM, less than {table.min_rpm} RPM"


def _by(zone: Zone) -> str:
    return f": {zone.hottest[0]} reads {zone.hottest[1]:.1f} C" if zone.hottest else ""


def _fan(view: FanView) -> Document:
    return {
        "duty_percent": None if view.duty_percent is None else round(view.duty_percent),
        "rpm": None if view.rpm is None else round(view.rpm, -2),
        "stalled": view.stalled,
        "problem": view.why,
    }
