# SPDX-License-Identifier: Apache-2.0
"""Work for each joule: the mean of a span, none where power or work was not known all the time."""

from __future__ import annotations

import pytest

from agent.energy.work_per_joule import NS_PER_S, OLD_NS, WorkPerJoule


def span(rate: WorkPerJoule, from_s: int, to_s: int, watts: float | None) -> None:
    for second in range(from_s, to_s):
        rate.powered(watts, second * NS_PER_S)


def test_the_mean_between_two_counts() -> None:
    rate = WorkPerJoule()
    rate.powered(100.0, 0)
    rate.counted(5.0, 0)
    assert rate.at(0) is None
    span(rate, 1, 31, 100.0)
    span(rate, 31, 61, 200.0)
    rate.counted(4505.0, 60 * NS_PER_S)
    assert rate.at(60 * NS_PER_S) == pytest.approx(0.5)
    span(rate, 61, 121, 100.0)
    rate.counted(4505.0, 120 * NS_PER_S)
    assert rate.at(120 * NS_PER_S) == 0.0


def test_a_gap_in_either_gives_none_and_an_old_figure_ends() -> None:
    rate = WorkPerJoule()
    rate.powered(100.0, 0)
    rate.counted(0.0, 0)
    span(rate, 1, 61, 100.0)
    rate.counted(60.0, 60 * NS_PER_S)
    found = rate.at(60 * NS_PER_S)
    span(rate, 61, 90, 100.0)
    rate.powered(None, 90 * NS_PER_S)
    span(rate, 91, 121, 100.0)
    rate.counted(1e6, 120 * NS_PER_S)
    assert rate.at(120 * NS_PER_S) == found  # this span is not complete
    rate.counted(None, 121 * NS_PER_S)
    span(rate, 122, 180, 100.0)
    rate.counted(2e6, 180 * NS_PER_S)
    assert rate.at(180 * NS_PER_S) == found  # nor was the work of this one
    assert rate.at(60 * NS_PER_S + OLD_NS) is None


def test_a_machine_that_was_suspended_has_no_figure_for_it() -> None:
    rate = WorkPerJoule()
    rate.powered(100.0, 0)
    rate.counted(0.0, 0)
    rate.powered(100.0, 3600 * NS_PER_S)
    rate.counted(60.0, 3601 * NS_PER_S)
    assert rate.at(3601 * NS_PER_S) is None
