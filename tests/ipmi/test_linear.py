# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipmi.records.linear import Linear, fit


@pytest.mark.parametrize(
    ("minimum", "maximum", "step", "exact"),
    [
        (0, 255, 1, 17),
        (-20, 100, 0.5, 24.5),
        (0, 125, 0.5, 95),
        (0, 15, 0.06, 12.0),
        (0, 300, 1.2, 240),
        (0, 1600, 8, 800),
        (0, 25_000, 100, 9800),
        (3.0, 3.6, 0.0025, 3.3),
        (-1e6, 1e6, 8000, 80_000),
    ],
)
def test_steps_are_round(minimum: float, maximum: float, step: float, exact: float) -> None:
    linear = fit(minimum, maximum)
    assert linear.decode(1) - linear.decode(0) == pytest.approx(step)
    assert linear.decode(linear.encode(exact)) == pytest.approx(exact)


@given(st.floats(-1e5, 1e5), st.floats(0.01, 1e5))
def test_every_value_of_the_range_is_told_within_half_a_step(minimum: float, span: float) -> None:
    maximum = minimum + span
    try:
        linear = fit(minimum, maximum)
    except ValueError:
        assert span < abs(minimum) / 100, "only a narrow range far from zero may fail"
        return
    assert -512 <= linear.m <= 511
    assert -512 <= linear.b <= 511
    assert -8 <= linear.b_exponent <= 7
    assert -8 <= linear.result_exponent <= 7
    step = linear.decode(1) - linear.decode(0)
    for value in (minimum, (minimum + maximum) / 2, maximum):
        assert abs(linear.decode(linear.encode(value)) - value) <= step * 0.5001 + 1e-9 * abs(value)


@given(st.floats(-1e4, 1e4), st.floats(1, 1e4))
def test_resolution_is_not_wasted(minimum: float, span: float) -> None:
    """A round step costs little: at least a fifth of the raw values are used, however the range lies."""
    linear = fit(minimum, minimum + span) if abs(minimum) < span * 100 else fit(0, span)
    step = linear.decode(1) - linear.decode(0)
    assert span / step > 255 / 5


def test_values_outside_give_the_ends() -> None:
    linear = fit(0, 100)
    assert linear.encode(-5) == 0
    assert linear.encode(1e9) == 255
    assert linear.encode(math.inf) == 255
    with pytest.raises(ValueError, match="number"):
        linear.encode(math.nan)


def test_encode_and_decode_agree() -> None:
    linear = Linear(5, -200, 0, -1)
    assert [linear.encode(linear.decode(raw)) for raw in range(256)] == list(range(256))


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 1), (2, 1), (math.nan, 1), (0, math.inf), (0, 1e12), (0, 1e-12)])
def test_impossible_ranges(minimum: float, maximum: float) -> None:
    with pytest.raises(ValueError, match="range"):
        fit(minimum, maximum)
