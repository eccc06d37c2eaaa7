# SPDX-License-Identifier: Apache-2.0
"""The feed over weeks: days that change, outages, restarts, clocks that jump, plug-ins that misbehave."""

from __future__ import annotations

import asyncio
import datetime
import logging
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy import refresh
from agent.energy.day_store import DayStore
from agent.energy.policies.situation import Freshness
from agent.energy.refresh import Patience, merged, wanted_days
from agent.energy.signals.interface import SignalDay, SignalError, SignalPoint, SignalUnit
from agent.energy.slots import day_slot, local_day, quarters, wall_minute
from tests.agent.energy.signals.feed_world import DAY, DAY_S, HOUR_S, NOON_S, ONE_DAY, START_S, World
from tests.agent.energy.signals.sources import PARIS, Scripted, day_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

EARLY = SignalError("not there", retry=True)


def number_of(day: datetime.date) -> float:
    """A value that tells its day."""
    return float(day.toordinal() % 1000)


def test_the_second_and_the_thirtieth_day_really_change_the_data(tmp_path: Path) -> None:
    world = World(tmp_path, Scripted(lambda day: day_of(number_of(day), day)), START_S)
    for number in range(32):
        world.step()
        world.now_s = START_S + number * DAY_S + 12 * HOUR_S
        world.step()
        assert world.known() == (number_of(DAY + number * ONE_DAY), Freshness.FRESH)
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
        assert world.known() == expected


def test_a_signal_without_grace_expires_with_its_day(tmp_path: Path) -> None:
    script = {DAY: day_of(7.0, DAY)}
    world = World(tmp_path, Scripted(lambda day: script.get(day, EARLY)), max_stale_s=0.0)
    world.step()
    world.now_s = day_slot(DAY, PARIS).end_utc_s
    assert world.known() == (None, Freshness.EXPIRED)


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


def only_from_tomorrow(error: SignalError) -> Callable[[datetime.date], Any]:
    return lambda day: error if day == DAY else day_of(1.0, day)


def test_a_today_that_fails_does_not_keep_tomorrow_away(tmp_path: Path) -> None:
    for error in (EARLY, SignalError("damaged file", retry=False)):
        source = Scripted(only_from_tomorrow(error))
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


def test_an_answer_with_nothing_new_is_not_written_again(tmp_path: Path) -> None:
    """Flash wears out."""
    source = Scripted(lambda _: day_of(1.0, DAY, 0.5))
    world = World(tmp_path, source)
    world.step()
    before = (tmp_path / f"price_{DAY}.csv").stat().st_ino
    world.now_s += HOUR_S
    world.step()
    assert source.asked == [DAY, DAY]
    assert (tmp_path / f"price_{DAY}.csv").stat().st_ino == before
    source.script = lambda _: day_of(1.0, DAY, 0.6)
    world.now_s += HOUR_S
    world.step()
    assert (tmp_path / f"price_{DAY}.csv").stat().st_ino != before


def test_days_of_another_origin_are_not_mixed(tmp_path: Path) -> None:
    first = Scripted(lambda day: day_of(1.0, day))
    world = World(tmp_path, first)
    world.step()
    world.source = Scripted(lambda _: EARLY)
    world.source.origin = "another bidding zone"
    world.restart()
    world.step()
    assert world.known() == (None, Freshness.EXPIRED)
    carbon = Scripted(lambda _: EARLY, "carbon")
    carbon.unit = SignalUnit.G_PER_KWH
    marginal = SignalDay("carbon", SignalUnit.MARGINAL_G_PER_KWH, PARIS, carbon.origin, 0.0, day_of(1.0, DAY))
    DayStore(tmp_path).write(DAY, marginal)
    unmixed = World(tmp_path, carbon)
    unmixed.step()
    assert unmixed.known() == (None, Freshness.EXPIRED)
    old = SignalDay("p", SignalUnit.MW, PARIS, "x", 0.0, day_of(1.0, DAY))
    new = SignalDay("p", SignalUnit.MW, PARIS, "y", 0.0, day_of(2.0, DAY, 0.1))
    assert merged(old, new) is new


def test_tomorrow_is_asked_for_from_12_55_of_brussels_and_with_patience(tmp_path: Path) -> None:
    for zone in (PARIS, "Europe/London", "America/New_York"):
        source = Scripted(partial(day_of, 1.0, zone=zone), zone=zone)
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
    assert world.known() == (number_of(DAY), Freshness.STALE)  # the last hour is not there yet: held, and said
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
    assert world.known() == (None, Freshness.EXPIRED)
    assert world.step()
    assert world.known() == (number_of(DAY + 200 * ONE_DAY), Freshness.FRESH)
    world.now_s = NOON_S
    world.step()
    assert world.known() == (number_of(DAY), Freshness.FRESH)
    assert len(source.asked) == asked + 2  # the day of before came from its file


def test_a_clock_that_is_not_set_asks_for_nothing_and_finds_its_files_later(tmp_path: Path) -> None:
    world = World(tmp_path, Scripted(lambda day: day_of(number_of(day), day)))
    world.step()
    source = Scripted(lambda _: EARLY)
    world.source, world.now_s = source, 40.0
    world.restart()
    world.steps(600)
    assert not source.asked
    assert world.known() == (None, Freshness.EXPIRED)
    world.now_s = NOON_S
    world.step()
    assert world.known() == (number_of(DAY), Freshness.FRESH)
    assert not wanted_days(40.0, PARIS, {})


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
            value, state = world.known()
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
