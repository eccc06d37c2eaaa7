# SPDX-License-Identifier: Apache-2.0
"""Trends: right means, bounded rings, and what outlives a restart, a kill and a clock that leaps."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.trends import BARS, WIDTH, line, sparkline
from agent.store.database import Database, StoreError
from agent.trends.archive import TrendArchive
from agent.trends.recorder import MAX_READINGS, TrendRecorder
from agent.trends.series import Series
from agent.trends.span import GRIDS, Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = 1_790_000_000.0


class Clock:
    """Elapsed and wall time, which need not agree."""

    def __init__(self) -> None:
        self.s, self.unix_s = 500.0, NOON

    def pass_(self, seconds: float) -> None:
        self.s += seconds
        self.unix_s += seconds


@contextmanager
def recorder(folder: Path, clock: Clock, values: dict[str, float | None]) -> Iterator[TrendRecorder]:
    database = Database(folder / "state.db")
    try:
        yield TrendRecorder(TrendArchive(database), lambda: values, lambda: clock.s, lambda: clock.unix_s)
    finally:
        database.close()


def readings(**values: float | None) -> dict[str, float | None]:
    return values


def means(trends: TrendRecorder, reading: str, span: Span = Span.HOUR) -> list[float]:
    return [point.mean for point in asyncio.run(trends.points(reading, span))]


@given(st.lists(st.tuples(st.floats(0, 4000), st.floats(-100, 1000)), max_size=60))
def test_every_step_has_the_mean_lowest_and_highest_of_its_samples(samples: list[tuple[float, float]]) -> None:
    series, axis_s = Series(), 0.0
    expected: dict[tuple[Span, int], list[float]] = {}
    for after_s, value in samples:
        axis_s += after_s
        series.add(axis_s, value)
        for span, grid in GRIDS.items():
            position = int(axis_s // grid.step_s)
            for key in [key for key in expected if key[0] is span and key[1] <= position - grid.steps]:
                if key[1] % grid.steps == position % grid.steps:
                    del expected[key]
            expected.setdefault((span, position), []).append(value)
    fresh = {(span, bucket.position): bucket for span, bucket in series.fresh()}
    assert fresh.keys() == expected.keys()
    for key, values in expected.items():
        bucket = fresh[key]
        assert (bucket.count, bucket.low, bucket.high) == (len(values), min(values), max(values))
        assert bucket.mean == pytest.approx(sum(values) / len(values))


def test_an_hour_a_day_and_a_month(tmp_path: Path) -> None:
    clock, values = Clock(), {"w": 0.0}
    with recorder(tmp_path, clock, dict(values)) as trends:
        trends._readings = lambda: {"w": values["w"]}
        for minute in range(40 * 24 * 60):
            values["w"] = float(minute)
            trends.sample()
            clock.pass_(60)
            if minute % 500 == 0:
                asyncio.run(trends.store())
        for span, grid in GRIDS.items():
            points = asyncio.run(trends.points("w", span))
            assert grid.steps - 1 <= len(points) <= grid.steps
            assert points[-1].high == 40 * 24 * 60 - 1
            assert {round(a.age_s - b.age_s) for a, b in itertools.pairwise(points)} == {grid.step_s}
            assert points[0].age_s <= grid.step_s * grid.steps
            assert points[0].unix_s == pytest.approx(clock.unix_s - points[0].age_s)
        count = trends._archive._database.transact_now(lambda c: c.execute("SELECT count(*) FROM trends").fetchone())
        assert count[0] <= sum(grid.steps for grid in GRIDS.values())


def test_a_reading_that_is_unavailable_has_no_point(tmp_path: Path) -> None:
    clock, values = Clock(), readings(t=20.0)
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        clock.pass_(60)
        values["t"] = None
        trends.sample()
        clock.pass_(60)
        values["t"] = 30.0
        trends.sample()
        assert means(trends, "t") == [20, 30]


def test_a_restart_goes_on_and_leaves_a_gap_as_long_as_it_was(tmp_path: Path) -> None:
    clock, values = Clock(), readings(t=20.0)
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        asyncio.run(trends.store())
    clock.s = 7.0  # another boot
    clock.unix_s += 600
    values["t"] = 40.0
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        first, second = asyncio.run(trends.points("t", Span.HOUR))
        assert first.age_s - second.age_s == 600
        assert means(trends, "t", Span.MONTH) == [30]  # the hour was not over


def test_a_clock_that_leaps_bends_no_trend(tmp_path: Path) -> None:
    clock, values = Clock(), readings(t=20.0)
    clock.unix_s = 0.0  # not set yet
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        assert asyncio.run(trends.points("t", Span.HOUR))[0].unix_s is None
        clock.pass_(120)
        clock.unix_s = NOON
        trends.sample()
        points = asyncio.run(trends.points("t", Span.HOUR))
        assert [point.age_s // 60 for point in points] == [2, 0]
        assert points[0].unix_s == NOON - points[0].age_s
        asyncio.run(trends.store())
    clock.unix_s = 0.0
    with recorder(tmp_path, clock, values) as trends:  # and it was lost again
        trends.sample()
        assert means(trends, "t") == [20, 20]


def test_a_clock_that_is_set_at_last_does_not_make_the_past_old(tmp_path: Path) -> None:
    clock, values = Clock(), readings(t=20.0)
    clock.unix_s = 100.0
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        asyncio.run(trends.store())
    clock.unix_s = NOON
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        assert means(trends, "t", Span.MONTH) == [20]
        assert len(asyncio.run(trends.points("t", Span.HOUR))) == 1


def test_what_cannot_be_stored_is_kept_and_stored_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, values = Clock(), readings(t=20.0)

    async def full(*args: object) -> None:
        raise StoreError("database or disk is full")

    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        with monkeypatch.context() as patch:
            patch.setattr(trends._archive, "write", full)
            asyncio.run(trends.store())
        assert means(trends, "t") == [20]
        asyncio.run(trends.store())
    with recorder(tmp_path, clock, values) as trends:
        trends.sample()
        assert means(trends, "t") == [20]


def test_readings_are_bounded_and_those_that_ended_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    with recorder(tmp_path, clock, {f"t{number}": 1.0 for number in range(MAX_READINGS + 10)}) as trends:
        trends.sample()
        assert len(trends.names()) == MAX_READINGS
        asyncio.run(trends.store())
    clock.unix_s += 32 * 86_400
    with recorder(tmp_path, clock, {"t1": 1.0}) as trends:
        trends.sample()
        assert trends.names() == ["t1"]
        rows = trends._archive._database.transact_now(lambda c: c.execute("SELECT count(*) FROM trends").fetchone())
        assert rows[0] == 0


KILLED = """
import asyncio, sys
from pathlib import Path
from agent.store.database import Database
from agent.trends.archive import TrendArchive
from agent.trends.recorder import TrendRecorder

async def main():
    now = [0.0]
    archive = TrendArchive(Database(Path(sys.argv[1])))
    trends = TrendRecorder(archive, lambda: {f"t{n}": now[0] for n in range(20)}, lambda: now[0], lambda: 2e9 + now[0])
    while True:
        for _ in range(60):
            now[0] += 5
            trends.sample()
        await trends.store()
        print(now[0], flush=True)

asyncio.run(main())
"""


def _after_the_kill(file: Path) -> tuple[float, float]:
    """What the axis had reached, and the last value of a reading that follows it."""
    database = Database(file)
    try:
        stored = TrendArchive(database).clock()
        assert stored is not None
        axis_s, unix_s = stored
        trends = TrendRecorder(TrendArchive(database), lambda: {"t3": None}, lambda: 0.0, lambda: unix_s)
        trends.sample()
        return axis_s, asyncio.run(trends.points("t3", Span.HOUR))[-1].high
    finally:
        database.close()


def test_a_kill_at_any_instant_loses_no_more_than_was_not_stored(tmp_path: Path) -> None:
    chance = random.Random(5)
    for attempt in range(4):
        file = tmp_path / f"{attempt}.db"
        with subprocess.Popen([sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, text=True) as agent:
            assert agent.stdout is not None
            agent.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.3))
            agent.send_signal(signal.SIGKILL)
            said = [float(text) for text in agent.stdout.read().split()]
        stored_s, last = _after_the_kill(file)
        assert last >= max(said, default=300.0)
        assert last == stored_s
        os.unlink(file)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=800))
def test_a_line_for_a_person_has_a_bar_for_every_share(values: list[float]) -> None:
    drawn = sparkline(values)
    assert len(drawn) == min(len(values), WIDTH)
    assert set(drawn) <= set(BARS)


def test_a_line_for_a_person() -> None:
    points = [{"mean": float(value), "min": value - 1, "max": value + 1} for value in range(8)]
    assert line(points) == f"{BARS}  min -1  mean 3.5  max 8"
    assert line([]) == "no readings yet"
