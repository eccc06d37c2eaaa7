# SPDX-License-Identifier: Apache-2.0
"""The best window is before the deadline, never worse than now, and the least of all that there are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.deferral import NoWindow, Window, best_window
from agent.energy.signals.interface import SignalPoint

Q = 900


def quarters(*values: float, start_s: int = 0) -> list[SignalPoint]:
    return [SignalPoint(start_s + index * Q, Q, value) for index, value in enumerate(values)]


def window(*values: float, duration_s: float, now_s: float = 0, before_s: float, min_saving: float = 0.05) -> Window:
    found = best_window(quarters(*values), duration_s, now_s, before_s, min_saving)
    assert isinstance(found, Window), found
    return found


def test_the_cheapest_half_hour() -> None:
    found = window(90, 80, 20, 10, 70, 60, duration_s=2 * Q, before_s=6 * Q)
    assert (found.start_s, found.end_s, found.mean, found.mean_now, found.saving) == (1800, 3600, 15, 85, 70)


def test_the_deadline_comes_first() -> None:
    assert window(90, 80, 20, 10, duration_s=2 * Q, before_s=3 * Q).start_s == Q
    assert window(90, 80, 20, 10, duration_s=2 * Q, before_s=3 * Q + 300).start_s == Q + 300


def test_quarters_that_are_touched_in_part_count_in_part() -> None:
    found = window(30, 0, 30, 90, duration_s=1200, before_s=4 * Q)
    assert found.start_s == 600  # 900 would hold the whole of the cheap quarter too: the first of equal ones counts
    assert found.mean == pytest.approx(30 * 300 / 1200)
    late = window(30, 60, 0, 90, 90, duration_s=1200, now_s=450, before_s=5 * Q)
    assert late.mean_now == pytest.approx((30 * 450 + 60 * 750) / 1200)
    assert late.mean == pytest.approx(60 * 300 / 1200)


def test_a_small_saving_is_not_waited_for() -> None:
    assert window(100, 98, duration_s=Q, before_s=2 * Q).start_s == 0
    assert window(100, 98, duration_s=Q, before_s=2 * Q).saving == 0
    assert window(100, 98, duration_s=Q, before_s=2 * Q, min_saving=0.01).start_s == Q


def test_prices_below_zero() -> None:
    found = window(-10, -50, 20, duration_s=Q, before_s=3 * Q)
    assert (found.start_s, found.mean, found.saving) == (Q, -50, 40)
    assert window(-50, -10, 20, duration_s=Q, before_s=3 * Q).start_s == 0
    assert window(0, -5, duration_s=Q, before_s=2 * Q).start_s == Q
    assert window(0, 0, duration_s=Q, before_s=2 * Q).start_s == 0


def test_what_is_not_known_is_no_window() -> None:
    points = [*quarters(50), *quarters(0, 40, start_s=2 * Q)]
    found = best_window(points, 2 * Q, 0, 9 * Q)
    assert isinstance(found, NoWindow)
    found = best_window(points, Q, 0, 9 * Q)
    assert isinstance(found, Window)
    assert found.start_s == 2 * Q
    assert "last 1.2 h" in found.why
    assert isinstance(best_window([], Q, 0, 9 * Q), NoWindow)


def test_what_does_not_fit_is_said() -> None:
    found = best_window(quarters(1, 2, 3), 3 * Q + 1, 0, 3 * Q)
    assert isinstance(found, NoWindow)
    assert "do not fit" in found.why
    with pytest.raises(ValueError, match="none"):
        best_window([], 0, 0, 1)


prices = st.lists(st.none() | st.floats(-500, 500), min_size=1, max_size=40)


@settings(max_examples=100)
@given(prices, st.integers(1, 12_000), st.integers(0, 5000), st.integers(0, 40_000), st.floats(0, 0.3))
def test_never_late_never_worse_than_now_and_nothing_better_is_left(
    values: list[float | None], duration_s: int, now_s: int, ahead_s: int, min_saving: float
) -> None:
    points = [SignalPoint(index * Q, Q, value) for index, value in enumerate(values) if value is not None]
    found = best_window(points, duration_s, now_s, now_s + ahead_s, min_saving)
    by_second = {point.start_s + second: point.value for point in points for second in range(Q)}

    def mean(start_s: int) -> float | None:
        each = [by_second.get(second) for second in range(start_s, start_s + duration_s)]
        return sum(value for value in each if value is not None) / duration_s if None not in each else None

    now = mean(now_s)
    if isinstance(found, NoWindow):
        assert duration_s > ahead_s or now is None
        return
    assert now is not None
    assert now_s <= found.start_s
    assert found.end_s <= now_s + ahead_s
    assert found.end_s - found.start_s == pytest.approx(duration_s)
    again = mean(round(found.start_s))
    assert again is not None
    assert again <= now + 1e-6
    assert found.mean == pytest.approx(again, abs=1e-6)
    assert found.mean_now == pytest.approx(now, abs=1e-6)
    if found.start_s != now_s or min_saving == 0:
        others = (mean(start_s) for start_s in range(now_s, now_s + ahead_s - duration_s + 1, 900))
        assert all(other >= found.mean - 1e-6 for other in others if other is not None)
