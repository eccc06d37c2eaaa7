# SPDX-License-Identifier: Apache-2.0
"""From samples to medians with their spread, to JSON and CSV, and to the verdict on each goal."""

from __future__ import annotations

import csv
import json
import statistics
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from bench.ipmi.measure import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MEASURES = [field.name for field in fields(Sample)]


@dataclass(frozen=True)
class Goal:
    """pgood's figure over another server's, pair by pair. Of the spread its better quartile counts, as in bench.lines;
    whether the median and the worse one keep the limit too is said beside it."""

    measure: str
    against: str
    limit: float
    at_most: bool


GOALS = (
    Goal("mc_info_ms", "ipmi_sim", 1.05, at_most=True),
    Goal("commands_per_s", "ipmi_sim", 0.9, at_most=False),
    Goal("commands_per_s", "pyghmi", 1.3, at_most=False),
    Goal("cpu_ms_per_command", "pyghmi", 0.5, at_most=True),
)
LARGEST_SESSIONS_MB = 4.0
_WORDS = {True: "kept", False: "missed"}

Samples = dict[str, list[Sample]]


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def medians(samples: Mapping[str, Sequence[Sample]]) -> dict[str, dict[str, float | None]]:
    """The median of every measure, by server."""
    return {
        server: {name: _median(name, rounds) for name in MEASURES if name != "sessions_held"}
        for server, rounds in samples.items()
    }


def _median(name: str, rounds: Sequence[Sample]) -> float | None:
    values = [value for sample in rounds if (value := getattr(sample, name)) is not None]
    if name == "concurrent20_failures":
        return float(max(values))
    return round(statistics.median(values), 4) if values else None


def write(samples: Samples, file: Path) -> None:
    """JSON with the medians, and beside it the raw samples as CSV."""
    file.write_text(json.dumps(medians(samples), indent=1) + "\n")
    with file.with_suffix(".csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["server", "round", *MEASURES])
        for server, rounds in samples.items():
            for number, sample in enumerate(rounds, start=1):
                table.writerow([server, number, *asdict(sample).values()])


def table(samples: Samples) -> Iterator[str]:
    """Markdown: median (lower to upper quartile) of every measure."""
    servers = list(samples)
    yield f"| | {' | '.join(servers)} |"
    yield f"|---|{'---|' * len(servers)}"
    for name in MEASURES:
        cells = []
        for server in servers:
            values = [value for sample in samples[server] if (value := getattr(sample, name)) is not None]
            if not values:
                cells.append("not possible")
            else:
                low, middle, high = spread(values)
                cells.append(f"{middle:.4g} ({low:.4g} to {high:.4g})")
        yield f"| {name} | {' | '.join(cells)} |"


def verdicts(samples: Samples) -> Iterator[tuple[str, bool]]:
    """Each goal in words, and whether the better bound of the spread keeps it."""
    for goal in GOALS:
        pairs = zip(samples["pgood"], samples[goal.against], strict=True)
        low, middle, high = spread([getattr(a, goal.measure) / getattr(b, goal.measure) for a, b in pairs])
        best_first = (low, middle, high) if goal.at_most else (high, middle, low)
        better, median, worse = (value <= goal.limit if goal.at_most else value >= goal.limit for value in best_first)
        word = "at most" if goal.at_most else "at least"
        yield (
            f"{goal.measure}: {middle:.3f} x {goal.against} ({low:.3f} to {high:.3f}), to be {word} {goal.limit}"
            f" ({_WORDS[median]} by the median, {_WORDS[worse]} by the worse quartile)",
            better,
        )
    failures = sum(sample.concurrent20_failures for sample in samples["pgood"])
    yield f"20 at once: {failures} failures, to be 0", failures == 0
    grown = [sample.sessions200_mb for sample in samples["pgood"]]
    worst = max((value for value in grown if value is not None), default=None)
    kept = None not in grown and worst is not None and worst <= LARGEST_SESSIONS_MB
    yield f"200 sessions: {worst:.2f} MB at worst, to be at most {LARGEST_SESSIONS_MB}", kept
