# SPDX-License-Identifier: Apache-2.0
"""Plug-ins, files and disks that misbehave: a failure that is told, and nothing else."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from agent.energy import feed as feed_module
from agent.energy import refresh
from agent.energy.day_store import DayStore
from agent.energy.feed import SignalFeed
from agent.energy.policies.situation import Freshness
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from tests.agent.energy.signals.feed_world import DAY, DAY_S, HOUR_S, NOON_S, ONE_DAY, World
from tests.agent.energy.signals.sources import PARIS, Scripted, day_of

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterator
    from pathlib import Path


def otherwise(**changes: Any) -> Callable[[datetime.date], SignalDay]:
    def answer(day: datetime.date) -> SignalDay:
        said = {"signal": "price", "unit": SignalUnit.EUR_PER_MWH, "zone": PARIS, "source": "scripted"}
        return SignalDay(**{**said, "fetched_at_s": 0.0, "points": day_of(1.0, day), **changes})

    return answer


POINT = day_of(1.0, DAY)[0]


@pytest.mark.parametrize(
    "script",
    [
        lambda _: RuntimeError("x\ny"),
        lambda _: asyncio.CancelledError(),
        lambda _: SystemExit(1),
        lambda _: StopIteration(),
        lambda _: MemoryError(),
        lambda _: TimeoutError(),
        otherwise(unit=SignalUnit.MW),
        otherwise(zone="UTC"),
        otherwise(signal="other"),
        otherwise(source="other"),
        otherwise(points=(POINT, POINT)),
        otherwise(points=day_of(1.0, DAY)[::-1]),
        otherwise(points=day_of(1.0, DAY - ONE_DAY)),
        otherwise(points=(SignalPoint(POINT.start_s, 10**9, 1.0),)),
        otherwise(points=(SignalPoint(POINT.start_s, 900, 1e300),)),
        otherwise(points=tuple(SignalPoint(POINT.start_s + i, 1, 1.0) for i in range(5000))),
        otherwise(points=None),
    ],
)
def test_a_plug_in_that_misbehaves_is_a_failure_and_nothing_else(tmp_path: Path, script: Any) -> None:
    source = Scripted(script)
    world = World(tmp_path, source)
    assert not world.step()
    assert world.feed.failed == 1
    assert world.feed.last_error
    assert world.feed.last_error.isprintable()
    assert world.known() == (None, Freshness.EXPIRED)
    assert not list(tmp_path.iterdir())
    source.script = lambda day: day_of(1.0, day)
    world.now_s += DAY_S
    assert world.step()


def test_what_is_no_day_at_all(tmp_path: Path) -> None:
    source = Scripted(lambda _: ())

    async def nonsense(day: datetime.date) -> Any:
        return {"points": []}

    source.fetch = nonsense  # type: ignore[method-assign]
    world = World(tmp_path, source)
    assert not world.step()
    assert "another signal" in world.feed.last_error


def test_a_plug_in_that_heeds_no_cancellation_is_asked_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FETCH_TIMEOUT_S", 0.05)
    source = Scripted(lambda _: ())
    calls: list[datetime.date] = []
    gate = asyncio.Event()

    async def stubborn(day: datetime.date) -> SignalDay:
        calls.append(day)
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return day_said(source, day_of(1.0, day))

    source.fetch = stubborn  # type: ignore[method-assign]
    world = World(tmp_path, source)

    async def story() -> None:
        for _ in range(3):
            assert not await world.feed.step()
            world.now_s += 2 * HOUR_S
        assert len(calls) == 1
        assert "still hangs" in world.feed.last_error
        gate.set()
        await asyncio.sleep(0.01)
        assert await world.feed.step()

    asyncio.run(story())


def test_run_goes_on_whatever_happens_and_ends_when_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "LOOK_S", 0.001)
    answers = itertools.chain([RuntimeError("a"), asyncio.CancelledError()], itertools.repeat(None))
    source = Scripted(lambda day: next(answers) or day_of(3.0, day))
    clock: Iterator[Exception | float] = itertools.chain(
        [OverflowError("no time")], itertools.count(NOON_S, 2 * HOUR_S / 10)
    )

    def now() -> float:
        tick = next(clock)
        if isinstance(tick, Exception):
            raise tick
        return tick

    feed = SignalFeed(source, DayStore(tmp_path), now)

    async def story() -> None:
        task = asyncio.create_task(feed.run())
        async with asyncio.timeout(10):
            while not feed.fetched:
                await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(story())
    assert feed.failed == 2


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"start_utc_s\nx\n", b"\x00" * 2_000_000])
def test_a_damaged_store_is_told_and_fetched_anew(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"price_{DAY}.csv").write_bytes(content)
    world = World(tmp_path, Scripted(lambda day: day_of(3.0, day)))
    assert world.step()
    assert f"price_{DAY}.csv" in caplog.text
    world.restart()
    asyncio.run(world.feed.load())
    assert world.known() == (3.0, Freshness.FRESH)


def test_a_disk_that_is_full_costs_only_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DayStore, "write", full)
    world = World(tmp_path, Scripted(lambda day: day_of(3.0, day)))
    assert world.step()
    assert world.known() == (3.0, Freshness.FRESH)
    assert "is not stored" in caplog.text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "../x"}, "cannot be called"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"zone": "/etc/passwd"}, "no time zone"),
        ({"unit": "EUR"}, "no SignalUnit"),
        ({"origin": "a\nb"}, "one short line"),
        ({"origin": ""}, "one short line"),
    ],
)
def test_a_source_that_does_not_say_what_it_is(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    source = Scripted(lambda _: ())
    for key, value in changes.items():
        setattr(source, key, value)
    with pytest.raises(SignalError, match=why):
        World(tmp_path, source)
