# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from agent.limits.limit import Crossing, Side


def fed(side: Side, values: list[float], limit: float = 80.0, hysteresis: float = 2.0) -> list[bool]:
    crossing, seen = Crossing(), []
    for value in values:
        crossing = crossing.read(side, value, limit, hysteresis)
        seen.append(crossing.asserted)
    return seen


def test_two_readings_in_a_row_are_needed() -> None:
    assert fed(Side.UPPER_WARNING, [79, 81, 79, 81, 81]) == [False, False, False, False, True]


def test_at_the_limit_is_beyond() -> None:
    assert fed(Side.UPPER_WARNING, [80, 80]) == [False, True]
    assert fed(Side.LOWER_WARNING, [80, 80]) == [False, True]


def test_hysteresis_holds_until_the_reading_has_come_back() -> None:
    assert fed(Side.UPPER_CRITICAL, [81, 81, 79, 79, 79, 78, 78]) == [False, True, True, True, True, True, False]
    assert fed(Side.LOWER_CRITICAL, [79, 79, 81, 81, 82, 82]) == [False, True, True, True, True, False]


def test_without_hysteresis_the_limit_itself_still_counts_as_beyond() -> None:
    assert fed(Side.UPPER_WARNING, [80, 80, 80, 80, 79, 79], hysteresis=0.0) == [False, True, True, True, True, False]


def test_what_was_taken_back_is_remembered() -> None:
    crossing = Crossing()
    for value in (90, 90, 70, 70):
        crossing = crossing.read(Side.UPPER_WARNING, value, 80, 1)
    assert crossing == Crossing(asserted=False, cleared=True)


@pytest.mark.parametrize("side", list(Side))
def test_sides(side: Side) -> None:
    assert side.upper == side.value.startswith("upper")
