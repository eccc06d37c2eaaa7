# SPDX-License-Identifier: Apache-2.0
"""The zone machine: trips with hysteresis, two readings before anything is switched off, lost sensors."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.profile.thermal_tables import OnLost
from agent.thermal.reading import SensorReading
from agent.thermal.sensor_track import STALE_NS
from agent.thermal.zone import (
    READINGS,
    Cooled,
    Crossed,
    Effect,
    EmergencyOff,
    Lost,
    Recovered,
    SoftOff,
    Trip,
    TripPoint,
    Zone,
    ZoneRules,
    ZoneState,
)

EXAMPLES = int(os.environ.get("PGOOD_EXAMPLES", "100"))
POLL_NS = 2_000_000_000
TRIPS = {
    Trip.ACTIVE: TripPoint(50, 5),
    Trip.PASSIVE: TripPoint(70, 5),
    Trip.HOT: TripPoint(80, 5),
    Trip.CRITICAL: TripPoint(90, 5),
}
APART = {"a": "i2c/one", "b": "i2c/two"}
TOGETHER = {"a": "i2c/one", "b": "i2c/one"}


def rules(shared: dict[str, str] | None = None, **more: Any) -> ZoneRules:
    return ZoneRules("box", TRIPS, shared or {"a": "i2c/one"}, **more)


@dataclass
class Stage:
    """A zone under a clock of our own."""

    zone: Zone
    now_ns: int = 1
    told: list[Effect] = field(default_factory=list)

    @classmethod
    def of(cls, rules: ZoneRules) -> Stage:
        return cls(Zone.begin(rules, 1))

    def poll(self, *values: float | None, after_ns: int = POLL_NS) -> list[Effect]:
        """One reading of each sensor; None = it did not answer."""
        self.now_ns += after_ns
        readings = {
            name: SensorReading(value, self.now_ns, "" if value is not None else "no answer")
            for name, value in zip(self.zone.rules.shared, values, strict=True)
        }
        return self.look(readings)

    def look(self, readings: dict[str, SensorReading]) -> list[Effect]:
        self.zone, effects = self.zone.take(self.now_ns, readings)
        self.told += effects
        return effects

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(effect, kind) for effect in self.told)


def state_of(stage: Stage) -> ZoneState:
    return stage.zone.state


def trips_of(effects: list[Effect]) -> list[Trip]:
    return [effect.trip for effect in effects if isinstance(effect, Crossed)]


def test_each_trip_is_told_once_and_again_only_after_it_cooled() -> None:
    stage = Stage.of(rules())
    assert state_of(stage) is ZoneState.UNKNOWN
    stage.poll(49.9)
    assert state_of(stage) is ZoneState.NORMAL
    assert trips_of(stage.poll(50)) == [Trip.ACTIVE]
    for celsius in (49, 51, 46, 60, 45):  # never below 45
        assert stage.poll(celsius) == []
    assert stage.poll(44.9) == [Cooled(Trip.ACTIVE, 44.9, 50)]
    assert trips_of(stage.poll(55)) == [Trip.ACTIVE]


@pytest.mark.parametrize(("celsius", "effect"), [(80, SoftOff), (90, EmergencyOff)])
def test_one_reading_switches_nothing_off_and_two_do(celsius: float, effect: type[Any]) -> None:
    stage = Stage.of(rules())
    stage.poll(40)
    stage.poll(celsius)
    stage.poll(40)
    stage.poll(celsius)
    assert not stage.count(SoftOff) + stage.count(EmergencyOff)
    stage.poll(celsius)
    assert stage.count(effect) == 1
    stage.poll(celsius)
    assert stage.count(SoftOff) + stage.count(EmergencyOff) == 1


def test_who_is_forced_off_is_not_asked_to_shut_down_as_well() -> None:
    stage = Stage.of(rules())
    stage.poll(100)
    effects = stage.poll(100)
    assert trips_of(effects) == [Trip.HOT, Trip.CRITICAL]
    assert [type(effect) for effect in effects if isinstance(effect, SoftOff | EmergencyOff)] == [EmergencyOff]


def test_two_sensors_that_glitch_in_turn_are_no_critical_temperature() -> None:
    stage = Stage.of(rules(APART))
    stage.poll(100, 40)
    stage.poll(40, 100)
    stage.poll(100, 40)
    assert not stage.count(EmergencyOff)


def test_the_same_reading_looked_at_twice_is_one() -> None:
    stage = Stage.of(rules())
    stage.poll(100)
    stage.look({"a": SensorReading(100, stage.now_ns)})
    assert not stage.count(EmergencyOff)


def test_two_hot_readings_far_apart_are_not_in_a_row() -> None:
    stage = Stage.of(rules())
    stage.poll(100)
    stage.poll(100, after_ns=STALE_NS)
    assert not stage.count(EmergencyOff)
    stage.poll(100)
    assert stage.count(EmergencyOff) == 1


def test_one_missed_poll_is_no_loss_and_keeps_the_count() -> None:
    stage = Stage.of(rules())
    stage.poll(95)
    assert stage.poll(None) == []
    assert not stage.zone.fail_safe
    stage.poll(95)
    assert stage.count(EmergencyOff) == 1


def test_a_lost_sensor_is_told_once_and_switches_nothing_off() -> None:
    stage = Stage.of(rules())
    stage.poll(40)
    for _ in range(5):
        stage.poll(None)
    assert stage.told == [Lost("a", "no answer")]
    assert state_of(stage) is ZoneState.UNKNOWN
    assert stage.zone.fail_safe
    assert stage.poll(40) == [Recovered("a")]
    assert not stage.zone.fail_safe


def test_a_sensor_that_is_not_polled_any_more_is_lost() -> None:
    stage = Stage.of(rules())
    stage.poll(40)
    reading = {"a": SensorReading(40, stage.now_ns)}
    stage.now_ns += STALE_NS - 1
    assert stage.look(reading) == []
    stage.now_ns += 1
    assert [type(effect) for effect in stage.look(reading)] == [Lost]


def test_a_trip_is_not_taken_back_by_losing_the_sensor_that_is_hot() -> None:
    stage = Stage.of(rules(APART))
    stage.poll(85, 40)
    stage.poll(85, 40)
    for _ in range(4):
        stage.poll(None, 40)
    assert state_of(stage) is ZoneState.HOT
    stage.poll(60, 40)
    stage.poll(60, 40)
    assert state_of(stage) is ZoneState.ACTIVE


@pytest.mark.parametrize(
    ("shared", "polls", "alone", "off"),
    [
        (APART, [(None, 40)] * 3, False, False),
        (APART, [(None, 40)] * 3, True, True),
        (APART, [(None, None)] * 3, False, True),
        (TOGETHER, [(None, None)] * 3, False, False),  # one stuck bus is one witness
        (TOGETHER, [(None, 75)] * 3, False, True),  # a second sensor above its passive trip
        (APART, [(None, None)], False, False),
    ],
)
def test_a_loss_switches_off_only_when_a_second_sensor_agrees(
    shared: dict[str, str], polls: list[tuple[float | None, ...]], alone: bool, off: bool
) -> None:
    stage = Stage.of(rules(shared, on_lost=OnLost.SOFT_OFF, on_lost_alone=alone))
    stage.poll(40, 40)
    for poll in polls:
        stage.poll(*poll)
    assert stage.count(SoftOff) == int(off)
    assert stage.count(EmergencyOff) == 0
    stage.poll(40, 40)
    for poll in polls:
        stage.poll(*poll)
    assert stage.count(SoftOff) == 2 * off  # armed anew by the recovery


VALUES = st.one_of(st.none(), st.floats(-40, 130), st.sampled_from([45.0, 50.0, 75.0, 80.0, 85.0, 90.0]))
POLLS = st.lists(
    st.tuples(VALUES, VALUES, st.sampled_from([1, POLL_NS, STALE_NS - 1, STALE_NS, 3 * STALE_NS]), st.booleans()),
    max_size=40,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(POLLS, st.sampled_from([APART, TOGETHER]), st.sampled_from(OnLost), st.booleans())
def test_any_life_of_a_zone(
    polls: list[tuple[float | None, float | None, int, bool]], shared: dict[str, str], on_lost: OnLost, alone: bool
) -> None:
    stage = Stage.of(rules(shared, on_lost=on_lost, on_lost_alone=alone))
    heard: dict[str, list[float | None]] = {name: [] for name in shared}
    last: dict[str, SensorReading] = {}
    for *values, after_ns, again in polls:
        before = stage.zone
        if again and last:  # the poller is late: the same readings are looked at once more
            stage.now_ns += after_ns
            effects = stage.look(last)
        else:
            effects = stage.poll(*values, after_ns=after_ns)
            last = {
                name: SensorReading(value, stage.now_ns, "no answer")
                for name, value in zip(shared, values, strict=True)
            }
            for name, value in zip(shared, values, strict=True):
                heard[name].append(value)
        zone = stage.zone
        for effect in effects:
            if isinstance(effect, Crossed):
                assert effect.trip not in before.tripped
                valid = [value for value in heard[effect.sensor] if value is not None]
                needed = valid[-READINGS[effect.trip] :]
                assert len(needed) == READINGS[effect.trip]
                assert min(needed) >= effect.limit_c
            elif isinstance(effect, Cooled):
                assert effect.trip in before.tripped
                assert not zone.fail_safe
                assert effect.celsius < effect.limit_c - TRIPS[effect.trip].hysteresis_c
            elif isinstance(effect, EmergencyOff):
                assert Trip.CRITICAL in zone.tripped - before.tripped
            elif isinstance(effect, SoftOff) and Trip.HOT not in zone.tripped - before.tripped:
                assert on_lost is OnLost.SOFT_OFF
                assert zone.lost
                assert (
                    alone
                    or len([name for name in shared if zone.tracks[name].lost]) == 2
                    or any(track.reaches(70, 2) for track in zone.tracks.values())
                )
        for name, track in zone.tracks.items():
            missing = heard[name][-2:]
            if len(missing) == 2 and missing == [None, None]:
                assert track.lost
                assert zone.fail_safe
        assert [effect for effect in effects if isinstance(effect, Lost)] == [
            Lost(name, zone.tracks[name].why)
            for name in shared
            if zone.tracks[name].lost and not before.tracks[name].lost
        ]
