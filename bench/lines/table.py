# SPDX-License-Identifier: Apache-2.0
"""The one table: medians over the rounds with their quartiles, and whether each goal was reached. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.lines.figures import CPU, INTERLOCK, LATENESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.lines.figures import Samples, Spread

LATENESS_TIMES = 1.3
PYTHON_TIMES = 20.0
INTERLOCK_TIMES = 1.5
CPU_GOALS = {"edges_at_rest": 0.1, "poll_1khz_8": 2.0}
NAMES = {
    "cyclictest": "(a) cyclictest",
    "engine": "(b) line engine",
    "python": "(c) plain Python loop",
    "minimal_loop": "minimal C loop",
    "edges_at_rest": "32 edge lines at rest",
    "poll_1khz_8": "8 lines polled at 1 kHz",
    "wakes_1khz_bare": "a C thread that wakes at 1 kHz and does nothing",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing to reach. Of a spread its better quartile counts."""

    text: str
    spread: Spread
    limit: float
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.spread.high >= self.limit if self.at_least else self.spread.low <= self.limit


def goals(samples: Samples) -> list[Goal]:
    """Every goal with what was measured."""
    found = [
        Goal(
            f"p99 of the engine against cyclictest, {state}",
            samples.ratio(LATENESS, f"engine_{state}", f"cyclictest_{state}"),
            LATENESS_TIMES,
        )
        for state in ("idle", "loaded")
    ]
    found.append(
        Goal(
            "p99 of the Python loop against the engine, loaded",
            samples.ratio(LATENESS, "python_loaded", "engine_loaded"),
            PYTHON_TIMES,
            at_least=True,
        )
    )
    interlock = samples.ratio(INTERLOCK, "engine", "minimal_loop")
    found.append(Goal("p99 of the interlock against the minimal C loop", interlock, INTERLOCK_TIMES))
    for variant, limit in CPU_GOALS.items():
        found.append(Goal(f"% of a core, {NAMES[variant]}", samples.spread(CPU, variant), limit))
    return found


def table(samples: Samples) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| deadline lateness, us | p50 | p99 | max |"
    yield "|---|---|---|---|"
    for state in ("idle", "loaded"):
        for who in ("cyclictest", "engine", "python"):
            yield f"| {NAMES[who]}, {state} | {_cells(samples, LATENESS, f'{who}_{state}')} |"
    yield ""
    yield "| interlock, edge to action, us | p50 | p99 | max |"
    yield "|---|---|---|---|"
    for variant in ("engine", "minimal_loop"):
        yield f"| {NAMES[variant]} | {_cells(samples, INTERLOCK, variant)} |"
    yield ""
    yield "| % of a core | of the process |"
    yield "|---|---|"
    for variant in (*CPU_GOALS, "wakes_1khz_bare"):
        if (CPU, variant) in samples.raw:
            yield f"| {NAMES[variant]} | {_cell(samples.spread(CPU, variant))} |"
    yield ""
    yield "| goal | limit | measured | |"
    yield "|---|---|---|---|"
    for goal in goals(samples):
        limit = f"{'at least' if goal.at_least else 'at most'} {goal.limit:g}"
        yield f"| {goal.text} | {limit} | {_cell(goal.spread)} | {'reached' if goal.reached else 'MISSED'} |"


def _cells(samples: Samples, figure: str, variant: str) -> str:
    return " | ".join(_cell(samples.spread(figure, variant, percent)) for percent in (50, 99, 100))


def _cell(spread: Spread) -> str:
    return f"{_number(spread.median)} ({_number(spread.low)} to {_number(spread.high)})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
