# SPDX-License-Identifier: Apache-2.0
"""Lets the effects of all zones happen: events, and hosts that are switched off for safety's sake."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.thermal.zone import (
    Cooled,
    Crossed,
    EmergencyOff,
    Lost,
    Recovered,
    SoftOff,
    Trip,
    Zone,
    ZoneRules,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.power.gate import EmergencyPath
    from agent.profile.thermal_tables import ZoneTable
    from agent.thermal.reading import SensorReading
    from agent.thermal.zone import Effect

log = logging.getLogger(__name__)

LOOK_S = 2.0
NOTHING = "none: they are off, or the policy forbids it"

CROSSED: dict[Trip, EventKind] = {
    Trip.ACTIVE: EventKind.THERMAL_ACTIVE,
    Trip.PASSIVE: EventKind.THERMAL_PASSIVE,
    Trip.HOT: EventKind.THERMAL_HOT,
    Trip.CRITICAL: EventKind.THERMAL_CRITICAL,
}
COOLED: dict[Trip, EventKind] = {
    Trip.ACTIVE: EventKind.THERMAL_ACTIVE_CLEARED,
    Trip.PASSIVE: EventKind.THERMAL_PASSIVE_CLEARED,
    Trip.HOT: EventKind.THERMAL_HOT_CLEARED,
    Trip.CRITICAL: EventKind.THERMAL_CRITICAL_CLEARED,
}


class ThermalZones:
    """Used on the loop's thread."""

    def __init__(
        self,
        tables: Sequence[ZoneTable],
        shared: Mapping[str, str],
        domains: Sequence[str],
        emergency: Callable[[], EmergencyPath],
        emit: Callable[..., object],
        changed: Callable[[str], None],
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`shared` names of each sensor what it has in common with others; `domains` are all that can be protected,
        `emergency` is asked for when it is needed: the power manager is made after what it asks itself.

        `changed(zone)` is called after every look at a zone.
        """
        self._clock_ns = clock_ns
        self._emergency = emergency
        self._emit = emit
        self._changed = changed
        self._domains = {table.name: tuple(table.domains or domains) for table in tables}
        self._zones = {table.name: Zone.begin(ZoneRules.of(table, shared), clock_ns()) for table in tables}
        self._undone: list[tuple[str, Effect]] = []
        """What failed, to be tried again as long as its reason lasts."""
        self._task: asyncio.Task[None] | None = None

    def start(self, readings: Callable[[], Mapping[str, SensorReading]]) -> None:
        """Look by itself too, so that a poller that hangs is noticed: its readings grow stale."""
        if self._zones:
            self._task = asyncio.create_task(self._run(readings), name="zones")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, readings: Callable[[], Mapping[str, SensorReading]]) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.look(readings())
            except Exception:  # whatever is wrong with us, the next look may still save the machine
                log.exception("zones")

    def all(self) -> Mapping[str, Zone]:
        """Every zone as it is now, by name."""
        return self._zones

    def protecting(self, domain: str) -> Iterator[Zone]:
        """The zones that a domain belongs to."""
        return (self._zones[name] for name, domains in self._domains.items() if domain in domains)

    def domains(self, zone: str) -> tuple[str, ...]:
        return self._domains[zone]

    def look(self, readings: Mapping[str, SensorReading]) -> None:
        """Hold the last reading of every sensor against the zones, and act."""
        now_ns = self._clock_ns()
        undone, self._undone = self._undone, []
        for name, zone in tuple(self._zones.items()):
            self._zones[name], effects = zone.take(now_ns, readings)
            again = [effect for other, effect in undone if other == name and self._lasts(name, effect)]
            for effect in (*again, *effects):
                try:
                    self._happen(name, effect)
                except Exception:  # one zone's fault must not keep another from switching off
                    log.exception("zone %s: %s", name, effect)
                    self._undone.append((name, effect))
            self._changed(name)

    def _lasts(self, zone: str, effect: Effect) -> bool:
        """Whether there is still a reason to switch off."""
        now = self._zones[zone]
        return isinstance(effect, SoftOff | EmergencyOff) and bool(now.tripped or now.lost)

    def _happen(self, zone: str, effect: Effect) -> None:
        source, domains = f"thermal/{zone}", self._domains[zone]
        names, origin = [domain.partition("/")[2] for domain in domains], f"thermal:{zone}"
        match effect:
            case Crossed(trip, sensor, celsius, limit_c):
                self._emit(CROSSED[trip], source, zone, sensor, f"{celsius:.1f}", f"{limit_c:g}")
            case Cooled(trip, celsius, limit_c):
                self._emit(COOLED[trip], source, zone, f"{celsius:.1f}", f"{limit_c:g}")
            case Lost(sensor, why):
                self._emit(EventKind.THERMAL_SENSOR_LOST, source, zone, sensor, why)
            case Recovered(sensor):
                self._emit(EventKind.THERMAL_SENSOR_RECOVERED, source, zone, sensor)
            case SoftOff(why):
                operation = self._emergency().soft_off(names, origin, why)
                self._emit(EventKind.THERMAL_SOFT_OFF, source, zone, ", ".join(domains), why, operation or NOTHING)
            case EmergencyOff(why):
                operation = self._emergency().emergency_off(names, origin, why)
                self._emit(EventKind.THERMAL_EMERGENCY_OFF, source, zone, ", ".join(domains), why, operation or NOTHING)
