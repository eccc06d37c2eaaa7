# SPDX-License-Identifier: Apache-2.0
"""The figures of `make bench-lines` follow from its raw samples, and its goals from its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.lines.figures import CPU, INTERLOCK, LATENESS, Samples, Spread, percentile
from bench.lines.load import loaded
from bench.lines.table import goals, table

if TYPE_CHECKING:
    from pathlib import Path


def test_percentile_is_a_sample_by_nearest_rank() -> None:
    samples = [float(number) for number in range(1, 101)]
    assert [percentile(samples, percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert percentile([3.0], 99) == 3.0


def measured(engine_us: float = 50.0, poll_percent: float = 1.0) -> Samples:
    samples = Samples()
    for number in range(7):
        machine = 1 + number / 10  # the machine is slower in later rounds, for everybody
        for state in ("idle", "loaded"):
            samples.add(LATENESS, f"cyclictest_{state}", number, [10.0, 50.0 * machine])
            samples.add(LATENESS, f"engine_{state}", number, [10.0, engine_us * machine])
            samples.add(LATENESS, f"python_{state}", number, [100.0, 9000.0 * machine])
        samples.add(INTERLOCK, "engine", number, [20.0 * machine])
        samples.add(INTERLOCK, "minimal_loop", number, [20.0 * machine])
        samples.add(CPU, "edges_at_rest", number, [0.01])
        samples.add(CPU, "poll_1khz_8", number, [poll_percent])
    return samples


def test_figures_are_medians_over_the_rounds() -> None:
    figures = measured().figures()
    assert set(figures) == {LATENESS, INTERLOCK, CPU}
    assert figures[LATENESS]["engine_idle"] == 65.0
    assert figures[CPU] == {"edges_at_rest": 0.01, "poll_1khz_8": 1.0}


def test_figures_can_be_recomputed_from_the_file(tmp_path: Path) -> None:
    samples = measured()
    samples.write(tmp_path / "raw.csv")
    assert Samples.read(tmp_path / "raw.csv").figures() == samples.figures()
    (tmp_path / "other.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="does not begin with the columns"):
        Samples.read(tmp_path / "other.csv")


def test_goals_compare_within_each_round() -> None:
    assert measured().ratio(LATENESS, "engine_idle", "cyclictest_idle") == Spread(1.0, 1.0, 1.0)
    assert all(goal.reached for goal in goals(measured()))
    missed = [goal.text for goal in goals(measured(engine_us=80.0, poll_percent=3.0)) if not goal.reached]
    assert missed == [
        "p99 of the engine against cyclictest, idle",
        "p99 of the engine against cyclictest, loaded",
        "% of a core, 8 lines polled at 1 kHz",
    ]
    assert sum("MISSED" in line for line in table(measured(engine_us=80.0))) == 2


def test_load_begins_and_ends() -> None:
    with loaded(active=True):
        pass
    with loaded(active=False):
        pass
