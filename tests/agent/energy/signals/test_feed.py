# SPDX-License-Identifier: Apache-2.0
"""The feed over weeks: days that change, outages, restarts, clocks that jump, plug-ins that misbehave."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy import feed as feed_module
from agent.energy import refresh
from agent.energy.day_store import DayStore
from agent.energy.feed import SignalFeed
from agent.energy.policies.situation import Freshness
from agent.energy.refresh import Patience, merged, wanted_days
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit, day_said
from agent.energy.slots import day_slot, local_day, quarters, wall_minute
from tests.agent.energy.signals.sources import PARIS, Scripted, day_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.signals.interface import SignalSource

HOUR_S, DAY_S = 3600.0, 86_400.0
DAY = datetime.date(2025, 10, 9)
START_S = float(day_slot(DAY, PARIS).start_utc_s)
NOON_S = START_S + 12 * HOUR_S
ONE_DAY = datetime.timedelta(days=1)
EARLY = SignalError("not there", retry=True)


class World:
    """A feed, its clock and its directory."""

    def __init__(self, folder: Path, source: SignalSource, now_s: float = NOON_S, **options: Any) -> None:
        self.folder, self.source, self.now_s, self.options = folder, source, now_s, options
        self.restart()

    def restart(self) -> None:
        self.feed = SignalFeed(self.source, DayStore(self.folder), lambda: self.now_s, **self.options)

    def step(self) -> bool:
        return asyncio.run(self.feed.step())

    def steps(self, seconds: float, each_s: float = 30.0) -> None:
        async def many() -> None:
            for _ in range(int(seconds // each_s)):
                self.now_s += each_s
                await self.feed.step()

        asyncio.run(many())

    @property
    def known(self) -> tuple[float | None, Freshness]:
        found = self.feed.value_at(self.now_s)
        return found.value, found.state


def number_of(day: datetime.date) -> float:
    """A value that tells its day."""
    return float(day.toordinal() % 1000)


def test_the_second_and_the_thirtieth_day_really_change_the_data(tmp_path: Path) -> None:
    world = World(tmp_path, Scripted(lambda day: day_of(number_of(day), day)), START_S)
    for number in range(32):
        world.step()
        world.now_s = START_S + number * DAY_S + 12 * HOUR_S
        world.step()
        assert world.known == (number_of(DAY + number * ONE_DAY), Freshness.FRESH)
    assert len(list(tmp_path.iterdir())) == 32


def test_yesterday_is_marked_stale_then_expired(tmp_path: Path) -> None:
    script: dict[datetime.date, Any] = {DAY: day_of(7.0, DAY)}
    world = World(tmp_path, Scripted(lambda day: script.get(day, EARLY)))
    world.step()
    end_s = day_slot(DAY, PARIS).end_utc_s
    for at_s, expected in [
        (end_s - 1, (7.0, Freshness.FRESH)),
        (end_s, (7.0, Freshness.STALE)),
        (end_s + DAY_S - 1, (7.0, Freshness.STALE)),
        (end_s + DAY_S, (None, Freshness.EXPIRED)),
        (end_s + 300 * DAY_S, (None, Freshness.EXPIRED)),
    ]:
        world.now_s = at_s
        world.restart()
        world.step()
        assert world.known == expected


def test_a_signal_without_grace_expires_with_its_day(tmp_path: Path) -> None:
    script = {DAY: day_of(7.0, DAY)}
    world = World(tmp_path, Scripted(lambda day: script.get(day, EARLY)), max_stale_s=0.0)
    world.step()
    world.now_s = day_slot(DAY, PARIS).end_utc_s
    assert world.known == (None, Freshness.EXPIRED)


def test_stale_values_are_those_of_the_same_time_of_day(tmp_path: Path) -> None:
    for before in (datetime.date(2026, 3, 28), datetime.date(2026, 10, 24), DAY):
        slots = quarters(before, PARIS)
        by_clock = [SignalPoint(slot.start_utc_s, 900, float(wall_minute(slot.start_utc_s, PARIS))) for slot in slots]
        days = {before: SignalDay("p", SignalUnit.MW, PARIS, "x", 0.0, tuple(by_clock))}
        for slot in quarters(before + ONE_DAY, PARIS):
            seen = refresh.view(slot.start_utc_s, PARIS, days, 25 * HOUR_S)
            point = seen.at(slot.start_utc_s)
            assert point is not None
            assert (seen.freshness, point.value) == (Freshness.STALE, wall_minute(slot.start_utc_s, PARIS))


def test_an_incomplete_today_does_not_keep_tomorrow_away(tmp_path: Path) -> None:
    source = Scripted(lambda day: day_of(1.0, day, 0.7 if day == DAY else 1.0))
    world = World(tmp_path, source, NOON_S + HOUR_S)
    world.step()
    assert world.step()
    assert source.asked == [DAY, DAY + ONE_DAY]
    assert "not the whole of 2025-10-09" in world.feed.last_error


def test_a_today_that_fails_does_not_keep_tomorrow_away(tmp_path: Path) -> None:
    for error in (EARLY, SignalError("damaged file", retry=False)):
        source = Scripted(lambda day, error=error: error if day == DAY else day_of(1.0, day))
        world = World(tmp_path / error.args[0], source, NOON_S + HOUR_S)
        world.step()
        assert world.step()
        assert world.feed.last_error == error.args[0]


def test_a_partial_answer_never_replaces_a_fuller_day(tmp_path: Path) -> None:
    answers = iter([day_of(1.0, DAY, 0.9), day_of(2.0, DAY, 0.2), ()])
    world = World(tmp_path, Scripted(lambda _: next(answers)), START_S + HOUR_S)
    for _ in range(3):
        world.step()
        world.now_s += HOUR_S
    world.restart()
    asyncio.run(world.feed.load())
    points = world.feed.view(START_S).points
    assert len(points) == 86
    assert {point.value for point in points[:19]} == {2.0}  # newer where there is something newer
    assert {point.value for point in points[19:]} == {1.0}


def test_days_of_another_origin_are_not_mixed(tmp_path: Path) -> None:
    first = Scripted(lambda day: day_of(1.0, day))
    world = World(tmp_path, first)
    world.step()
    world.source = Scripted(lambda _: EARLY)
    world.source.origin = "another bidding zone"
    world.restart()
    world.step()
    assert world.known == (None, Freshness.EXPIRED)
    old = SignalDay("p", SignalUnit.MW, PARIS, "x", 0.0, day_of(1.0, DAY))
    new = SignalDay("p", SignalUnit.MW, PARIS, "y", 0.0, day_of(2.0, DAY, 0.1))
    assert merged(old, new) is new


def test_tomorrow_is_asked_for_from_12_55_of_brussels_and_with_patience(tmp_path: Path) -> None:
    for zone in (PARIS, "Europe/London", "America/New_York"):
        source = Scripted(lambda day, zone=zone: day_of(1.0, day, zone=zone), zone=zone)
        tried: list[str] = []
        brussels_12_s = day_slot(DAY, "Europe/Brussels").start_utc_s + 12 * HOUR_S
        world = World(tmp_path / zone, source, brussels_12_s)
        world.step()

        def late(day: datetime.date, world: World = world, tried: list[str] = tried) -> SignalError:
            minute = wall_minute(world.now_s, "Europe/Brussels")
            tried.append(f"{minute // 60}:{minute % 60:02}")
            return EARLY

        source.script = late
        world.steps(4 * HOUR_S)
        assert tried == ["12:55", "12:56", "12:58", "13:02", "13:10", "13:26", "13:58", "14:58", "15:58"]


def test_a_measured_signal_is_not_asked_for_tomorrow_and_grows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def measured(day: datetime.date) -> tuple[SignalPoint, ...]:
        seen_s = world.now_s - 0.7 * HOUR_S
        return tuple(point for point in day_of(number_of(day), day) if point.end_s <= seen_s)

    source = Scripted(measured)
    source.ahead = False
    world = World(tmp_path, source, START_S)
    world.steps(DAY_S - 60, 60.0)
    assert set(source.asked) == {DAY}
    assert 90 <= len(source.asked) <= 100
    assert world.known == (number_of(DAY), Freshness.STALE)  # the last hour is not there yet: held, and said
    assert (world.feed.failed, world.feed.last_error, caplog.text) == (0, "", "")
    source.script = lambda _: ()
    world.now_s = NOON_S + DAY_S
    world.step()
    assert "not the whole of" in world.feed.last_error  # nothing of this day at noon: that is said


def test_the_last_value_is_held_for_two_hours(tmp_path: Path) -> None:
    source = Scripted(lambda day: day_of(5.0, day, 0.5) if day == DAY else EARLY)
    world = World(tmp_path, source, START_S + HOUR_S)
    world.step()
    middle_s = START_S + 12 * HOUR_S
    states = [world.feed.value_at(middle_s + after_s) for after_s in (-1, 0, 7199, 7200)]
    assert [(one.value, one.state) for one in states] == [
        (5.0, Freshness.FRESH),
        (5.0, Freshness.STALE),
        (5.0, Freshness.STALE),
        (None, Freshness.EXPIRED),
    ]


def test_waits_grow_and_heed_the_source() -> None:
    patience, waits = Patience(), []
    for _ in range(8):
        patience = patience.after_failure(0.0)
        waits.append(patience.not_before_s)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert Patience().after_failure(0.0, after_s=500).not_before_s == 500
    assert Patience().after_failure(0.0, after_s=1e12).not_before_s == DAY_S
    assert Patience().after_refusal(5.0).not_before_s == 5.0 + DAY_S
    assert Patience().over(0.0)


def test_a_source_that_asks_for_patience_gets_it_for_both_days(tmp_path: Path) -> None:
    busy = SignalError("429", retry=True, after_s=2 * HOUR_S)
    source = Scripted(lambda _: busy)
    world = World(tmp_path, source, NOON_S + HOUR_S)
    world.steps(2 * HOUR_S - 60)
    assert source.asked == [DAY]
    world.steps(120)
    assert len(source.asked) == 2


def test_what_asking_does_not_mend_is_told_once_and_asked_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = Scripted(lambda _: SignalError("check the token", retry=False))
    source.ahead = False
    world = World(tmp_path, source, START_S)
    world.steps(DAY_S - 60)
    assert len(source.asked) == 1
    world.steps(DAY_S)
    assert len(source.asked) == 2
    world.restart()  # the configuration has changed
    world.step()
    assert len(source.asked) == 3
    assert world.feed.last_error == "check the token"


def test_the_same_failure_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World(tmp_path, Scripted(lambda _: EARLY), START_S)
    world.steps(8 * HOUR_S)
    assert world.feed.failed > 10
    assert caplog.text.count("not there") == 1


def test_clocks_that_jump(tmp_path: Path) -> None:
    source = Scripted(lambda _: EARLY)
    world = World(tmp_path, source, NOON_S)
    world.steps(4 * HOUR_S)
    asked = len(source.asked)
    source.script = lambda day: day_of(number_of(day), day)
    world.now_s -= 3 * HOUR_S  # set back: the wait of an hour is not one of four
    assert world.step()
    assert len(source.asked) == asked + 1
    world.now_s = NOON_S + 200 * DAY_S
    assert world.known == (None, Freshness.EXPIRED)
    assert world.step()
    assert world.known == (number_of(DAY + 200 * ONE_DAY), Freshness.FRESH)
    world.now_s = NOON_S
    world.step()
    assert world.known == (number_of(DAY), Freshness.FRESH)
    assert len(source.asked) == asked + 2  # the day of before came from its file


def test_a_clock_that_is_not_set_asks_for_nothing_and_finds_its_files_later(tmp_path: Path) -> None:
    world = World(tmp_path, Scripted(lambda day: day_of(number_of(day), day)))
    world.step()
    source = Scripted(lambda _: EARLY)
    world.source, world.now_s = source, 40.0
    world.restart()
    world.steps(600)
    assert not source.asked
    assert world.known == (None, Freshness.EXPIRED)
    world.now_s = NOON_S
    world.step()
    assert world.known == (number_of(DAY), Freshness.FRESH)
    assert not wanted_days(40.0, PARIS, {})


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
    assert world.known == (None, Freshness.EXPIRED)
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
    clock = itertools.chain([OverflowError("no time")], itertools.count(NOON_S, 2 * HOUR_S / 10))

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
    assert world.known == (3.0, Freshness.FRESH)


def test_a_disk_that_is_full_costs_only_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DayStore, "write", full)
    world = World(tmp_path, Scripted(lambda day: day_of(3.0, day)))
    assert world.step()
    assert world.known == (3.0, Freshness.FRESH)
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


moves = st.lists(
    st.one_of(
        st.floats(30.0, 2 * DAY_S),  # time passes
        st.sampled_from([-2 * HOUR_S, -DAY_S, 30 * DAY_S, "restart", "down", "up", "partial", "damage"]),
    ),
    min_size=5,
    max_size=40,
)


@given(moves, st.sampled_from([PARIS, "Asia/Kathmandu", "America/New_York"]), st.sampled_from([0.0, DAY_S, 2 * DAY_S]))
@settings(max_examples=60, deadline=None)
def test_what_is_known_is_of_today_or_not_older_than_allowed(moves: list[Any], zone: str, max_stale_s: float) -> None:
    mode = ["up"]

    def script(day: datetime.date) -> Any:
        if mode[0] == "down":
            return EARLY
        return day_of(number_of(day), day, 0.4 if mode[0] == "partial" else 1.0, zone)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = World(folder, Scripted(script, zone=zone), max_stale_s=max_stale_s)
        for move in moves:
            if isinstance(move, float):
                world.now_s += move
            elif move == "restart":
                world.restart()
            elif move == "damage":
                for file in folder.iterdir():
                    file.write_bytes(b"start_utc_s\n1")
            else:
                mode[0] = move
            world.step()
            value, state = world.known
            today = local_day(world.now_s, zone)
            if state is Freshness.FRESH:
                assert value == number_of(today)
            elif state is Freshness.STALE:
                kept = [today - number * ONE_DAY for number in range(4)]
                of = next(day for day in kept if number_of(day) == value)
                age_s = world.now_s - day_slot(of, zone).end_utc_s
                assert age_s < max(max_stale_s, 1)
            else:
                assert value is None
            if mode[0] == "up" and isinstance(move, float) and move > 2 * HOUR_S:
                assert state is Freshness.FRESH
