# SPDX-License-Identifier: Apache-2.0
"""What a schema cannot say about sensors, thermal zones and fans: references, and trips in rising order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agent.profile.problem import KeyPath, Problem
from agent.profile.thermal_tables import OnLost, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.profile.schema import Profile, SensorTable
    from agent.profile.thermal_tables import CurveTable, FanTable, ZoneTable

LM75_ADDRESSES = range(0x48, 0x50)
MAX_SENSORS = 48
MAX_ZONES = 16
MAX_FANS = 16
"""As many as there are sensor numbers for them (agent/ipmi_face/numbers.py)."""

ADAPTER_KEYS: dict[str, tuple[str, ...]] = {
    "lm75": ("bus", "address"),
    "hwmon": ("chip", "attribute", "channel", "device"),
    "pmbus": ("supply", "number"),
    "ipmi": ("bmc", "remote_sensor"),
}
"""Which keys of a sensor belong to which adapter."""
TRIPS = ("active", "passive", "hot", "critical")
"""In rising order."""


def check_thermal(profile: Profile) -> Iterator[Problem]:
    """Every problem of `[[sensors]]`, `[[zones]]` and `[[fans]]`."""
    yield from _unique("sensors", (sensor.name for sensor in profile.sensors))
    yield from _unique("zones", (zone.name for zone in profile.zones))
    yield from _unique("fans", (fan.name for fan in profile.fans))
    for table, found, most in (
        ("sensors", profile.sensors, MAX_SENSORS),
        ("zones", profile.zones, MAX_ZONES),
        ("fans", profile.fans, MAX_FANS),
    ):
        if len(found) > most:
            yield Problem((table,), f"at most {most} {table}")
    for number, sensor in enumerate(profile.sensors):
        yield from _sensor(profile, ("sensors", number), sensor)
    for number, zone in enumerate(profile.zones):
        yield from _zone(profile, ("zones", number), zone)
    for number, fan in enumerate(profile.fans):
        yield from _fan(profile, ("fans", number), fan)
    yield from _pwm_owners(profile)


def _sensor(profile: Profile, path: KeyPath, sensor: SensorTable) -> Iterator[Problem]:
    for adapter, keys in ADAPTER_KEYS.items():
        for key in keys:
            if adapter != sensor.adapter and getattr(sensor, key) not in ("", None):
                yield Problem(
                    (*path, key), f"belongs to a sensor with adapter = {adapter!r} (here: {sensor.adapter!r})"
                )
    match sensor.adapter:
        case "lm75":
            yield from _lm75(profile, path, sensor)
        case "hwmon":
            yield from _hwmon(path, sensor)
        case "pmbus":
            yield from _pmbus(profile, path, sensor)
        case "ipmi":
            for key in ADAPTER_KEYS["ipmi"]:
                if not getattr(sensor, key):
                    yield Problem(path, f"a sensor of a remote BMC needs the key '{key}'")
            if sensor.bmc and sensor.bmc not in profile.adapters:
                known = ", ".join(profile.adapters) or "none"
                text = f"names no table of [adapters] (here: {sensor.bmc!r}; there are: {known})"
                yield Problem((*path, "bmc"), text)
    if sensor.minimum >= sensor.maximum:
        yield Problem((*path, "minimum"), "must be below maximum")
    limits = (sensor.lower_critical, sensor.lower_warning, sensor.upper_warning, sensor.upper_critical)
    given = [limit for limit in limits if limit is not None]
    if given != sorted(given):
        yield Problem(path, "limits must rise: lower_critical, lower_warning, upper_warning, upper_critical")


def _lm75(profile: Profile, path: KeyPath, sensor: SensorTable) -> Iterator[Problem]:
    if sensor.bus not in profile.buses:
        yield Problem((*path, "bus"), f"names no table of [buses] (here: {sensor.bus!r})")
    if sensor.address is None:
        yield Problem(path, "the key 'address' is missing")
    elif sensor.address not in LM75_ADDRESSES:
        yield Problem((*path, "address"), "an LM75 answers at 0x48 to 0x4f only")
    if sensor.quantity is not Quantity.TEMPERATURE:
        yield Problem((*path, "quantity"), "an LM75 measures temperature")


def _hwmon(path: KeyPath, sensor: SensorTable) -> Iterator[Problem]:
    if not sensor.chip:
        yield Problem(path, "needs 'chip': the name in /sys/class/hwmon/hwmon*/name")
    if bool(sensor.attribute) == bool(sensor.channel):
        yield Problem(path, "needs either 'attribute' (temp1_input) or 'channel' (what a temp*_label file says)")
    prefix = {Quantity.TEMPERATURE: "temp", Quantity.HUMIDITY: "humidity"}[sensor.quantity]
    if sensor.attribute and not sensor.attribute.startswith(prefix):
        yield Problem((*path, "attribute"), f"a sensor of {sensor.quantity.value} reads a {prefix}N_input")


def _pmbus(profile: Profile, path: KeyPath, sensor: SensorTable) -> Iterator[Problem]:
    names = [supply.name for supply in profile.supplies]
    if sensor.supply not in names:
        yield Problem((*path, "supply"), f"names no table of [[supplies]] (there are: {', '.join(names) or 'none'})")
    if sensor.quantity is not Quantity.TEMPERATURE:
        yield Problem((*path, "quantity"), "a supply measures temperature")


def _zone(profile: Profile, path: KeyPath, zone: ZoneTable) -> Iterator[Problem]:
    sensors = {sensor.name: sensor for sensor in profile.sensors}
    if not zone.sensors:
        yield Problem((*path, "sensors"), "a zone needs at least one sensor")
    if len(set(zone.sensors)) != len(zone.sensors):
        yield Problem((*path, "sensors"), "names a sensor twice")
    for name in zone.sensors:
        if name not in sensors:
            yield Problem((*path, "sensors"), f"names no table of [[sensors]] (here: {name!r})")
        elif sensors[name].quantity is not Quantity.TEMPERATURE:
            yield Problem((*path, "sensors"), f"{name!r} does not measure temperature")
    domains = [f"host/{host.name}" for host in profile.hosts]
    domains += [f"{table.type}/{table.name}" for table in profile.domains if table.type != "host"]
    for name in zone.domains:
        if name not in domains:
            yield Problem((*path, "domains"), f"no domain {name!r} (there are: {', '.join(domains) or 'none'})")
    given = [(name, trip) for name in TRIPS if (trip := getattr(zone, name)) is not None]
    for (lower, below), (upper, above) in pairwise(given):
        if above.celsius <= below.celsius:
            yield Problem((*path, upper), f"must be above {lower} ({below.celsius:g} C)")
    if zone.on_lost is OnLost.SOFT_OFF and len(zone.sensors) < 2 and not zone.on_lost_alone:
        yield Problem(
            (*path, "on_lost"), "needs a second sensor that agrees, or on_lost_alone = true: one lost wire is enough"
        )


def _fan(profile: Profile, path: KeyPath, fan: FanTable) -> Iterator[Problem]:
    if not fan.curves:
        yield Problem(path, "needs at least one table of [[fans.curves]]: by which zone it runs")
    if fan.min_duty > fan.max_duty:
        yield Problem((*path, "min_duty"), "must not be above max_duty")
    if fan.fail_safe_duty < fan.min_duty:
        yield Problem((*path, "fail_safe_duty"), "must not be below min_duty")
    if fan.must_run and fan.tach is None:
        yield Problem((*path, "must_run"), "needs 'tach': without one nobody can tell whether it turns")
    if fan.must_run and fan.min_duty == 0:
        yield Problem((*path, "min_duty"), "must not be 0 with must_run: it would be told to stand still")
    if fan.min_rpm >= fan.maximum_rpm:
        yield Problem((*path, "min_rpm"), "must be below maximum_rpm")
    if fan.host and fan.host not in (host.name for host in profile.hosts):
        yield Problem((*path, "host"), f"names no table of [[hosts]] (here: {fan.host!r})")
    if fan.host and fan.must_run:
        yield Problem((*path, "must_run"), "a fan that has power from a host cannot run before that host is on")
    zones = [zone.name for zone in profile.zones]
    used: set[str] = set()
    for number, curve in enumerate(fan.curves):
        here: KeyPath = (*path, "curves", number)
        if curve.zone not in zones:
            yield Problem((*here, "zone"), f"names no table of [[zones]] (here: {curve.zone!r})")
        if curve.zone in used:
            yield Problem((*here, "zone"), f"the zone {curve.zone!r} has a curve already")
        used.add(curve.zone)
        yield from _points(here, curve)


def _points(path: KeyPath, curve: CurveTable) -> Iterator[Problem]:
    if not curve.points:
        yield Problem((*path, "points"), "needs at least one point: [celsius, percent]")
    for (lower_c, lower), (upper_c, upper) in pairwise(curve.points):
        if upper_c <= lower_c or upper < lower:
            yield Problem((*path, "points"), "must rise: hotter is never slower")


def _pwm_owners(profile: Profile) -> Iterator[Problem]:
    owners: set[tuple[str, str, int]] = set()
    for number, fan in enumerate(profile.fans):
        place = (fan.chip, fan.device, fan.pwm)
        if place in owners:
            yield Problem(("fans", number, "pwm"), f"pwm{fan.pwm} of {fan.chip} already has an owner")
        owners.add(place)


def _unique(table: str, names: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, name in enumerate(names):
        if name in seen:
            yield Problem((table, number, "name"), f"{name!r} is used twice")
        seen.add(name)
