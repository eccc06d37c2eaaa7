# SPDX-License-Identifier: Apache-2.0
"""One thermal zone as a pure state machine: time and readings go in, the next zone and its effects come out.

Every effect happens once per crossing, and again only after the zone has cooled below the trip by its hysteresis.
A trip is not taken back while a sensor is lost or silent: nobody knows then how hot the zone is.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.profile.thermal_tables import OnLost
from agent.thermal.sensor_track import SensorTrack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.profile.thermal_tables import ZoneTable
    from agent.thermal.reading import SensorReading


class Trip(enum.Enum):
    """Temperatures at which a zone acts, in rising order. The value is the key in the profile."""

    ACTIVE = "active"
    PASSIVE = "passive"
    HOT = "hot"
    CRITICAL = "critical"


class ZoneState(enum.Enum):
    """The worst that is known of a zone."""

    UNKNOWN = "unknown"
    """Nothing was read yet, or nothing can be read."""
    NORMAL = "normal"
    ACTIVE = "active"
    PASSIVE = "passive"
    HOT = "hot"
    CRITICAL = "critical"


READINGS: dict[Trip, int] = {Trip.ACTIVE: 1, Trip.PASSIVE: 1, Trip.HOT: 2, Trip.CRITICAL: 2}
"""So many readings of one sensor in a row must agree: one may be a glitch, and these two switch machines off."""


@dataclass(frozen=True, slots=True)
class TripPoint:
    celsius: float
    hysteresis_c: float


@dataclass(frozen=True, slots=True)
class ZoneRules:
    """What the profile says of a zone. `shared` names what each sensor has in common with others (its bus)."""

    name: str
    trips: Mapping[Trip, TripPoint]
    shared: Mapping[str, str]
    on_lost: OnLost = OnLost.NONE
    on_lost_alone: bool = False

    @classmethod
    def of(cls, table: ZoneTable, shared: Mapping[str, str]) -> ZoneRules:
        trips = {
            trip: TripPoint(given.celsius, given.hysteresis_c)
            for trip in Trip
            if (given := getattr(table, trip.value)) is not None
        }
        mine = {name: shared[name] for name in table.sensors}
        return cls(table.name, trips, mine, table.on_lost, table.on_lost_alone)


@dataclass(frozen=True, slots=True)
class Crossed:
    """A trip was reached."""

    trip: Trip
    sensor: str
    celsius: float
    limit_c: float


@dataclass(frozen=True, slots=True)
class Cooled:
    """A trip was left: the zone is below it by its hysteresis."""

    trip: Trip
    celsius: float
    limit_c: float


@dataclass(frozen=True, slots=True)
class Lost:
    sensor: str
    why: str


@dataclass(frozen=True, slots=True)
class Recovered:
    sensor: str


@dataclass(frozen=True, slots=True)
class SoftOff:
    """Ask the zone's domains to shut down."""

    why: str


@dataclass(frozen=True, slots=True)
class EmergencyOff:
    """Force the zone's domains off, all at once."""

    why: str


Effect = Crossed | Cooled | Lost | Recovered | SoftOff | EmergencyOff


@dataclass(frozen=True, slots=True)
class Zone:
    """What is believed of a zone."""

    rules: ZoneRules
    tracks: Mapping[str, SensorTrack]
    tripped: frozenset[Trip] = field(default_factory=frozenset)
    off_for_loss: bool = False
    """A soft off was asked for because of lost sensors, and they are still lost."""

    @classmethod
    def begin(cls, rules: ZoneRules, now_ns: int) -> Zone:
        return cls(rules, {name: SensorTrack(now_ns) for name in rules.shared})

    @property
    def lost(self) -> tuple[str, ...]:
        """Lost sensors, in the order of the profile."""
        return tuple(name for name, track in self.tracks.items() if track.lost)

    @property
    def fail_safe(self) -> bool:
        """Whether the fans must not go by what is still read."""
        return bool(self.lost)

    @property
    def hottest(self) -> tuple[str, float] | None:
        """The hottest valid sensor; None while none is valid."""
        read = [(name, track.valid) for name, track in self.tracks.items()]
        valid = [(name, value) for name, value in read if value is not None]
        return max(valid, key=lambda pair: pair[1], default=None)

    @property
    def state(self) -> ZoneState:
        worst = [trip for trip in Trip if trip in self.tripped]
        if worst:
            return ZoneState(worst[-1].value)
        unread = all(track.latest is None for track in self.tracks.values())
        return ZoneState.UNKNOWN if unread else ZoneState.NORMAL

    def take(self, now_ns: int, readings: Mapping[str, SensorReading]) -> tuple[Zone, list[Effect]]:
        """Take in the last reading of every sensor of the zone."""
        tracks = {name: track.take(now_ns, readings[name]) for name, track in self.tracks.items()}
        effects = _told(self.tracks, tracks)
        zone = replace(self, tracks=tracks)
        for trip, point in self.rules.trips.items():
            zone, told = zone._trip(trip, point)
            effects += told
        zone, told = zone._loss()
        return zone, _worst_only([*effects, *told])

    def _trip(self, trip: Trip, point: TripPoint) -> tuple[Zone, list[Effect]]:
        readings = READINGS[trip]
        hottest = self.hottest
        if trip in self.tripped:
            limit_c = point.celsius - point.hysteresis_c
            cool = all(track.stays_below(limit_c, readings) for track in self.tracks.values())
            if not cool or hottest is None:
                return self, []
            cooled = Cooled(trip, hottest[1], point.celsius)
            return replace(self, tripped=self.tripped - {trip}), [cooled]
        reached = [(name, t) for name, t in self.tracks.items() if t.reaches(point.celsius, readings)]
        if not reached:
            return self, []
        name, track = max(reached, key=lambda pair: pair[1].latest or 0.0)
        assert track.latest is not None
        effects: list[Effect] = [Crossed(trip, name, track.latest, point.celsius)]
        why = f"zone {self.rules.name}: {name} reads {track.latest:.1f} C, {trip.value} is {point.celsius:g} C"
        if trip is Trip.HOT:
            effects.append(SoftOff(why))
        elif trip is Trip.CRITICAL:
            effects.append(EmergencyOff(why))
        return replace(self, tripped=self.tripped | {trip}), effects

    def _loss(self) -> tuple[Zone, list[Effect]]:
        """Safety rule 13: a lost sensor alone switches nothing off, unless the zone says so."""
        if not self.lost:
            return replace(self, off_for_loss=False), []
        if self.off_for_loss or self.rules.on_lost is not OnLost.SOFT_OFF:
            return self, []
        agrees = "" if self.rules.on_lost_alone else self._agreeing()
        if not agrees and not self.rules.on_lost_alone:
            return self, []
        lost = self.lost[0]
        why = f"zone {self.rules.name}: sensor {lost} is lost ({self.tracks[lost].why}){agrees}"
        return replace(self, off_for_loss=True), [SoftOff(why)]

    def _agreeing(self) -> str:
        """The word of a second sensor that shares nothing with a lost one; empty when there is none."""
        shared = self.rules.shared
        passive = self.rules.trips.get(Trip.PASSIVE)
        for lost in self.lost:
            for name, track in self.tracks.items():
                if name == lost:
                    continue
                if track.lost and shared[name] != shared[lost]:
                    return f", and so is {name}"
                if passive is not None and track.reaches(passive.celsius, READINGS[Trip.HOT]):
                    return f", and {name} reads {track.latest:.1f} C"
        return ""


def _told(before: Mapping[str, SensorTrack], after: Mapping[str, SensorTrack]) -> list[Effect]:
    effects: list[Effect] = []
    for name, track in after.items():
        if track.lost and not before[name].lost:
            effects.append(Lost(name, track.why))
        elif before[name].lost and not track.lost:
            effects.append(Recovered(name))
    return effects


def _worst_only(effects: list[Effect]) -> list[Effect]:
    """Whoever is forced off need not be asked to shut down in the same breath."""
    if not any(isinstance(effect, EmergencyOff) for effect in effects):
        return effects
    return [effect for effect in effects if not isinstance(effect, SoftOff)]
