# SPDX-License-Identifier: Apache-2.0
"""Sensors, thermal zones and fans of a profile in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.thermal_tables import OnLost, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.profile.schema import Profile, SensorTable
    from agent.profile.thermal_tables import FanTable, ZoneTable

TRIP_WORDS: tuple[tuple[str, str], ...] = (
    ("active", "its fans run as fast as they may"),
    ("passive", "an event asks for less"),
    ("hot", "its hosts are asked to shut down"),
    ("critical", "its hosts are forced off"),
)


def explain_sensor(sensor: SensorTable) -> str:
    unit = {Quantity.TEMPERATURE: "C", Quantity.HUMIDITY: "%"}[sensor.quantity]
    limits = [
        f"{word} {side} {value:g} {unit}"
        for word, side, value in (
            ("critical", "below", sensor.lower_critical),
            ("warning", "below", sensor.lower_warning),
            ("warning", "above", sensor.upper_warning),
            ("critical", "above", sensor.upper_critical),
        )
        if value is not None
    ]
    return f"{sensor.name}: {sensor.label}, {'; '.join(limits) or 'without limits'}"


def explain_zone(zone: ZoneTable) -> Iterator[str]:
    protects = ", ".join(zone.domains) or "all hosts"
    yield f"{zone.name}: {', '.join(zone.sensors)}; the hottest counts; it protects {protects}"
    for key, words in TRIP_WORDS:
        trip = getattr(zone, key)
        if trip is not None:
            yield f"  from {trip.celsius:g} C {words}, and again only after it fell by {trip.hysteresis_c:g} C"
    lost = "fans go to fail-safe, and its hosts are not switched on"
    if zone.on_lost is OnLost.SOFT_OFF:
        lost += "; they are asked to shut down" + ("" if zone.on_lost_alone else " if a second sensor agrees")
    yield f"  without a sensor {lost}"


def explain_fan(fan: FanTable) -> str:
    zones = ", ".join(curve.zone for curve in fan.curves)
    words = [f"pwm{fan.pwm} of {fan.chip}, by the heat of {zones}: {fan.min_duty:g} to {fan.max_duty:g} %"]
    words.append(f"fail-safe {fan.fail_safe_duty:g} %")
    words.append(f"a stall is less than {fan.min_rpm} RPM" if fan.tach else "nobody can tell whether it turns")
    words += ["no host of its zones is switched on while it stands still"] if fan.must_run else []
    return f"{fan.name}: {'; '.join(words)}"


def missing_cooling(profile: Profile) -> Iterator[str]:
    """What is not watched, and what that means."""
    if not profile.sensors:
        yield "no [[sensors]]: no temperatures, and nothing is done against heat"
        return
    watched = {name for zone in profile.zones for name in zone.sensors}
    for sensor in profile.sensors:
        if sensor.quantity is Quantity.TEMPERATURE and sensor.name not in watched:
            yield f"sensor {sensor.name} is in no zone: it is shown, and nothing is done against its heat"
