# SPDX-License-Identifier: Apache-2.0
"""The energy counter: what was measured, never less than was told, over kills and gaps."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from agent.psu.energy_meter import EnergyMeter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.store.settings import Settings


class Store:
    """Survives meters; fails when told."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.full = False

    def get(self, key: str, default: object = None) -> object:
        return self.rows.get(key, default)

    async def put(self, values: Mapping[str, object]) -> None:
        if self.full:
            raise OSError("no space left")
        self.rows.update(values)


class Bench:
    def __init__(self, store: Store | None = None) -> None:
        self.store = Store() if store is None else store
        self.watts: dict[str, float | None] = {"1": 100.0, "2": 50.0}
        self.meter = EnergyMeter(self._slots, self._set_w, cast("Settings", self.store))

    def _slots(self) -> Any:
        return [SimpleNamespace(name=n, readings=SimpleNamespace(pin_w=w)) for n, w in self.watts.items()]

    def _set_w(self) -> float | None:
        known = [watts for watts in self.watts.values() if watts is not None]
        return sum(known) if len(known) == len(self.watts) else None

    def hours(self, begin_s: float, hours: float, step_s: float = 1.0) -> float:
        """Sample through; returns the end."""
        for number in range(int(hours * 3600 / step_s) + 1):
            self.meter.sample(begin_s + number * step_s)
        return begin_s + hours * 3600

    def kept(self) -> tuple[float | None, float | None, float | None]:
        asyncio.run(self.meter.keep())
        return self.meter.set_kwh(), self.meter.slot_kwh("1"), self.meter.slot_kwh("2")


def test_an_hour_at_150_w() -> None:
    bench = Bench()
    bench.hours(0, 1)
    assert bench.kept() == (0.15, 0.1, 0.05)


def test_between_two_readings_the_mean() -> None:
    bench = Bench()
    bench.meter.sample(0)
    bench.watts = {"1": 300.0, "2": 50.0}
    bench.meter.sample(9)
    assert bench.kept()[1] == pytest.approx(200 * 9 / 3600 / 1000, abs=5e-5)


def test_nothing_measured_is_no_number() -> None:
    bench = Bench()
    bench.watts = {"1": None, "2": None}
    bench.hours(0, 1)
    assert bench.kept() == (None, None, None)


def test_time_without_a_reading_is_not_guessed() -> None:
    bench = Bench()
    end = bench.hours(0, 1)
    bench.watts = {"1": 100.0, "2": None}
    end = bench.hours(end + 1, 1)
    bench.watts = {"1": 100.0, "2": 50.0}
    bench.hours(end + 1, 1)
    whole, first, second = bench.kept()
    assert second == pytest.approx(0.1)
    assert first == pytest.approx(0.3, abs=1e-3)
    assert whole == pytest.approx(0.3, abs=1e-3)  # two hours of both


def test_a_gap_is_not_counted() -> None:
    bench = Bench()
    bench.meter.sample(0)
    bench.meter.sample(3600)
    assert bench.kept() == (0.0, 0.0, 0.0)


def test_what_is_told_never_falls_when_the_agent_is_killed() -> None:
    bench = Bench()
    end = bench.hours(0, 1)
    told = bench.kept()
    bench.hours(end, 0.01)
    assert (bench.meter.set_kwh(), bench.meter.slot_kwh("1"), bench.meter.slot_kwh("2")) == told  # not yet stored
    reborn = Bench(bench.store)
    assert (reborn.meter.set_kwh(), reborn.meter.slot_kwh("1"), reborn.meter.slot_kwh("2")) == told
    reborn.hours(0, 1)
    assert reborn.kept() == (0.3, 0.2, 0.1)


def test_a_full_disk_keeps_the_count_and_tells_no_more() -> None:
    bench = Bench()
    bench.store.full = True
    end = bench.hours(0, 1)
    assert bench.kept() == (None, None, None)
    bench.store.full = False
    bench.hours(end, 1)
    assert bench.kept() == (0.3, 0.2, 0.1)


def test_a_negative_reading_counts_nothing() -> None:
    bench = Bench()
    bench.watts = {"1": -5.0, "2": 0.0}
    bench.hours(0, 1)
    assert bench.kept()[1:] == (0.0, 0.0)


def test_a_running_meter_tells_at_once_and_stores_at_its_end() -> None:
    async def run() -> None:
        bench = Bench()
        bench.meter.start()
        while bench.meter.set_kwh() is None:
            await asyncio.sleep(0.01)
        bench.watts = {"1": 3_600_000.0, "2": 0.0}
        await asyncio.sleep(1.2)
        await bench.meter.close()
        assert bench.store.rows["energy.in_wh"]["psu/1"] > 0
        assert (bench.meter.slot_kwh("1") or 0) > 0

    asyncio.run(run())
