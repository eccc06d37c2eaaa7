# SPDX-License-Identifier: Apache-2.0
"""What people write as times, and what is no time."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.energy.when_text import LONGEST_S, WhenError, duration_s, instant_s

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("1d", 86_400), (" 2H ", 7200), ("14d", LONGEST_S)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "2", "h", "-2h", "2h 30m", "30m2h", "0m", "1.5h", "15d", "9" * 500, "٢h", "2h\n3"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(WhenError) as caught:
        duration_s(text)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("text", "now", "then"),
    [
        ("06:00", "2026-01-15T22:00+01:00", "2026-01-16T06:00+01:00"),
        ("06:00", "2026-01-15T05:59+01:00", "2026-01-15T06:00+01:00"),
        ("06:00", "2026-01-15T06:00+01:00", "2026-01-16T06:00+01:00"),
        ("6:00", "2026-01-15T05:59+01:00", "2026-01-15T06:00+01:00"),
        ("2h", "2026-01-15T22:00+01:00", "2026-01-16T00:00+01:00"),
        ("2026-01-16T06:00", "2026-01-15T22:00+01:00", "2026-01-16T06:00+01:00"),
        ("2026-01-16 06:00:30", "2026-01-15T22:00+01:00", "2026-01-16T06:00:30+01:00"),
        ("2026-01-16T06:00Z", "2026-01-15T22:00+01:00", "2026-01-16T07:00+01:00"),
        # 02:00 to 03:00 is skipped on 2026-03-29, and passes twice on 2026-10-25
        ("06:00", "2026-03-28T22:00+01:00", "2026-03-29T06:00+02:00"),
        ("02:30", "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00"),
        ("02:30", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"),
        ("02:30", "2026-10-25T00:00+02:00", "2026-10-25T02:30+02:00"),
        ("02:30", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
        ("02:30", "2026-10-25T02:30+01:00", "2026-10-26T02:30+01:00"),
    ],
)
def test_instants(text: str, now: str, then: str) -> None:
    assert instant_s(text, at(now), PARIS) == at(then)


@pytest.mark.parametrize(
    "text",
    ["", "24:00", "06:60", "6", "noon", "2026-01-16", "2026-13-01T06:00", "2026-01-14T06:00", "2027-01-01T06:00", "0h"],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(WhenError):
        instant_s(text, at("2026-01-15T22:00+01:00"), PARIS)


@given(st.integers(0, 23), st.integers(0, 59), st.floats(1.76e9, 1.83e9))
def test_a_clock_time_comes_within_a_day_and_an_hour(hour: int, minute: int, now_s: float) -> None:
    found_s = instant_s(f"{hour}:{minute:02}", now_s, PARIS)
    assert now_s < found_s <= now_s + 25 * 3600
    shown = datetime.datetime.fromtimestamp(found_s, PARIS)
    assert (shown.hour, shown.minute) == (hour, minute) or (hour == 2 and (shown.hour, shown.minute) == (3, 0))


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_a_clear_error(text: str) -> None:
    try:
        found_s = instant_s(text, 1.8e9, PARIS)
    except WhenError:
        return
    assert 0 < found_s - 1.8e9 <= LONGEST_S
