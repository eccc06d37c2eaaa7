# SPDX-License-Identifier: Apache-2.0
"""Cron expressions, also on the days on which the clocks are changed."""

from __future__ import annotations

import datetime
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.cron import parse_cron

ZONE = "Europe/Paris"


def at(text: str, zone: str = ZONE, fold: int = 0) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("text", "now", "then"),
    [
        ("0 0 * * *", "2025-10-09T12:00", "2025-10-10T00:00"),
        ("0 0 * * *", "2025-10-10T00:00", "2025-10-11T00:00"),  # later than now
        ("0 13 * * *", "2025-10-09T12:00", "2025-10-09T13:00"),
        ("*/15 * * * *", "2025-10-09T12:01", "2025-10-09T12:15"),
        ("5/20 * * * *", "2025-10-09T12:06", "2025-10-09T12:25"),
        ("30 6-8,20 * * mon-fri", "2025-10-10T20:30", "2025-10-13T06:30"),
        ("0 0 29 2 *", "2025-01-01T00:00", "2028-02-29T00:00"),
        ("0 0 1 * 0", "2025-10-02T00:00", "2025-10-05T00:00"),  # the day of month or the day of week
        ("0 0 * * 7", "2025-10-02T00:00", "2025-10-05T00:00"),
        ("0 0 */10 jan *", "2025-10-02T00:00", "2026-01-01T00:00"),
    ],
)
def test_the_next_time(text: str, now: str, then: str) -> None:
    assert parse_cron(text).next_after(at(now), ZONE) == at(then)


def test_a_time_that_the_clock_leaves_out_is_taken_later() -> None:
    night = at("2026-03-29T00:00")
    assert parse_cron("30 2 * * *").next_after(night, ZONE) == at("2026-03-29T03:30")
    daily = parse_cron("30 2 * * *")
    assert daily.next_after(at("2026-03-29T03:30"), ZONE) == at("2026-03-30T02:30")


def test_a_time_that_comes_twice_is_taken_once() -> None:
    daily = parse_cron("30 2 * * *")
    first_s = daily.next_after(at("2026-10-25T00:00"), ZONE)
    assert first_s == at("2026-10-25T02:30", fold=0)
    assert daily.next_after(first_s, ZONE) == at("2026-10-26T02:30")


@pytest.mark.parametrize(("day", "count"), [("2026-03-29", 92), ("2026-06-01", 96), ("2026-10-25", 100)])
def test_every_quarter_of_a_day_comes_once(day: str, count: int) -> None:
    cron = parse_cron("*/15 * * * *")
    now_s, end_s = at(f"{day}T00:00") - 1, at(f"{day}T00:00") + count * 900
    times = []
    while (now_s := cron.next_after(now_s, ZONE)) < end_s:
        times.append(now_s)
    assert len(times) == count
    assert [later - earlier for earlier, later in itertools.pairwise(times)] == [900.0] * (count - 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 fields"),
        ("0 0 * *", "4 fields"),
        ("60 0 * * *", "minute: '60'"),
        ("0 24 * * *", "hour: '24'"),
        ("0 0 0 * *", "day of month: '0'"),
        ("0 0 * 13 *", "month: '13'"),
        ("0 0 * * 8", "day of week: '8'"),
        ("*/0 * * * *", "step"),
        ("*/ * * * *", "step"),
        ("9-5 * * * *", "backwards"),
        ("a * * * *", "minute: 'a'"),
        ("1,,2 * * * *", "minute: ''"),
        ("0 0 31 2,4 *", "no month of these"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("*", r"\*")):
        parse_cron(text)


@settings(max_examples=100)
@given(
    minute=st.integers(0, 59),
    hour=st.none() | st.integers(0, 23),
    now_s=st.integers(1_700_000_000, 1_900_000_000),
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]),
)
def test_it_comes_every_day_and_never_in_the_past(minute: int, hour: int | None, now_s: int, zone: str) -> None:
    cron = parse_cron(f"{minute} {'*' if hour is None else hour} * * *")
    then_s = cron.next_after(now_s, zone)
    assert now_s < then_s <= now_s + (25 if hour is not None else 2) * 3600 + 3600
    assert cron.next_after(then_s - 1, zone) == then_s
