# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.events.event import EventKind
from agent.limits.limit import Side
from agent.limits.watch import LimitWatch, Switches
from agent.profile.schema import SensorTable
from agent.store.database import Database
from agent.store.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = SensorTable(
    name="cpu", label="CPU", adapter="lm75", bus="main", address=0x48, upper_warning=80.0, upper_critical=90.0,
    hysteresis=2.0,
)  # fmt: skip


class Stage:
    def __init__(self, database: Database) -> None:
        self.value: float | None = 50.0
        self.told: list[tuple[object, ...]] = []
        self.settings = Settings(database)
        self.watch = LimitWatch([TABLE], lambda _: self.value, self.settings, lambda *event: self.told.append(event))

    def read(self, *values: float | None) -> list[EventKind]:
        """Show each value twice; the kinds that were told meanwhile."""
        self.told.clear()
        for value in values:
            self.value = value
            self.watch.check()
            self.watch.check()
        return [kind for kind, *_ in self.told]  # type: ignore[misc]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database)


def test_crossings_are_told_once_with_reading_and_limit(stage: Stage) -> None:
    assert stage.read(85, 86, 95) == [EventKind.SENSOR_UPPER_WARNING, EventKind.SENSOR_UPPER_CRITICAL]
    assert stage.told[0] == (EventKind.SENSOR_UPPER_WARNING, "sensor/cpu", "cpu", "85", "80")
    assert stage.read(50) == [EventKind.SENSOR_UPPER_WARNING_CLEARED, EventKind.SENSOR_UPPER_CRITICAL_CLEARED]


def test_a_lost_sensor_keeps_its_state_and_tells_nothing(stage: Stage) -> None:
    stage.read(85)
    assert stage.read(None) == []
    assert stage.watch.crossings("cpu")[Side.UPPER_WARNING].asserted


def test_rearm_tells_what_lasts_again(stage: Stage) -> None:
    stage.read(85)
    stage.watch.rearm("cpu")
    assert stage.read(85) == [EventKind.SENSOR_UPPER_WARNING]


def test_switches(stage: Stage) -> None:
    only_critical = frozenset({Side.UPPER_CRITICAL})
    asyncio.run(stage.watch.set_switches("cpu", Switches(crossed=only_critical, cleared=frozenset())))
    assert stage.read(95, 50) == [EventKind.SENSOR_UPPER_CRITICAL]
    asyncio.run(stage.watch.set_switches("cpu", Switches(events=False)))
    assert stage.read(95, 50) == []
    asyncio.run(stage.watch.set_switches("cpu", Switches(scanning=False)))
    assert stage.read(95) == []
    assert not stage.watch.crossings("cpu")[Side.UPPER_CRITICAL].asserted, "not watched at all"


def test_what_was_set_survives_a_restart(stage: Stage, database: Database) -> None:
    asyncio.run(stage.watch.set_limits("cpu", {Side.UPPER_WARNING: 60.0}))
    asyncio.run(stage.watch.set_hysteresis("cpu", 5.0, 1.0))
    asyncio.run(stage.watch.set_switches("cpu", Switches(cleared=frozenset())))
    again = Stage(database)
    assert again.watch.limits("cpu") == {Side.UPPER_WARNING: 60.0}
    assert again.watch.hysteresis("cpu") == (5.0, 1.0)
    assert again.watch.switches("cpu") == Switches(cleared=frozenset())
    assert again.read(61, 50) == [EventKind.SENSOR_UPPER_WARNING]
