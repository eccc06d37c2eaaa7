# SPDX-License-Identifier: Apache-2.0
"""Samples, and what is made of them: a figure per round, then the median over the rounds with its spread. Pure."""

from __future__ import annotations

import csv
import math
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LATENESS = "lateness_p99_us"
INTERLOCK = "interlock_p99_us"
CPU = "cpu_percent"
HEADER = ("figure", "variant", "round", "sample")


def percentile(samples: Iterable[float], percent: float) -> float:
    """The nearest-rank percentile: a sample that was really seen."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Spread:
    """A value per round, as its median between its lower and upper quartile."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(low, median, high)


@dataclass
class Samples:
    """Raw samples: microseconds of a delay, or percent of a core, by figure, variant and round."""

    raw: dict[tuple[str, str], dict[int, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, figure: str, variant: str, round_: int, samples: Iterable[float]) -> None:
        self.raw[(figure, variant)][round_].extend(samples)

    def per_round(self, figure: str, variant: str, percent: float = 99.0) -> list[float]:
        """One value for each round, in the order of the rounds: a percentile, or the one sample of a CPU figure."""
        rounds = self.raw[(figure, variant)]
        return [percentile(rounds[number], percent) for number in sorted(rounds)]

    def spread(self, figure: str, variant: str, percent: float = 99.0) -> Spread:
        return Spread.of(self.per_round(figure, variant, percent))

    def ratio(self, figure: str, variant: str, other: str) -> Spread:
        """How many times `other` a variant is; compared within each round, for the machine changes between them."""
        pairs = zip(self.per_round(figure, variant), self.per_round(figure, other), strict=True)
        return Spread.of([mine / theirs for mine, theirs in pairs])

    def figures(self) -> dict[str, dict[str, float]]:
        """The medians, by figure and variant."""
        found: dict[str, dict[str, float]] = {}
        for figure, variant in self.raw:
            found.setdefault(figure, {})[variant] = round(self.spread(figure, variant).median, 4)
        return found

    def write(self, file: Path) -> None:
        with file.open("w", newline="", encoding="ascii") as output:
            writer = csv.writer(output)
            writer.writerow(HEADER)
            for (figure, variant), rounds in self.raw.items():
                for number, samples in rounds.items():
                    writer.writerows((figure, variant, number, f"{sample:.4f}") for sample in samples)

    @classmethod
    def read(cls, file: Path) -> Samples:
        """What `write` wrote. Raises OSError, ValueError."""
        samples = cls()
        with file.open(newline="", encoding="ascii") as source:
            rows = csv.reader(source)
            if tuple(next(rows, ())) != HEADER:
                raise ValueError(f"{file} does not begin with the columns {', '.join(HEADER)}")
            for figure, variant, number, sample in rows:
                samples.add(figure, variant, int(number), [float(sample)])
        return samples
