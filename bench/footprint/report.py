# SPDX-License-Identifier: Apache-2.0
"""From samples to figures, the table and the goals."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.footprint.measure import Idle

GOALS = {"rss_mb": 40.0, "cpu_percent": 1.0, "first_answer_s": 1.0}
"""Not more than this; CPU of a board on which nothing is polled."""


@dataclass(frozen=True)
class Samples:
    """Everything that was measured."""

    first_answers_s: Sequence[float]
    imports_ms: Sequence[float]
    idle: Sequence[Idle]
    wheel_kb: float


def figures(samples: Samples) -> dict[str, float]:
    """Medians of starts and imports; memory of the profile that takes most of it, CPU of one that polls nothing."""
    waiting = [one.cpu_percent for one in samples.idle if not one.polls] or [one.cpu_percent for one in samples.idle]
    return {
        "rss_mb": round(max(one.rss_mb for one in samples.idle), 2),
        "cpu_percent": round(max(waiting), 3),
        "first_answer_s": round(median(samples.first_answers_s), 3),
        "import_ms": round(median(samples.imports_ms), 1),
        "wheel_kb": round(samples.wheel_kb, 1),
    }


def write_samples(samples: Samples, file: Path) -> None:
    """CSV: what, of which profile or round, value."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["measure", "of", "value"])
        for name, values in (("first_answer_s", samples.first_answers_s), ("import_ms", samples.imports_ms)):
            rows.writerows([name, number, value] for number, value in enumerate(values, start=1))
        for one in samples.idle:
            rows.writerows([name, one.profile, getattr(one, name)] for name in ("rss_mb", "cpu_percent", "processes"))
        rows.writerow(["wheel_kb", "", samples.wheel_kb])


def table(samples: Samples) -> Iterator[str]:
    yield "| profile | memory, MB | CPU, % of a core | |"
    yield "|---|---|---|---|"
    for one in samples.idle:
        polls = "reads supplies ten times a second" if one.polls else "nothing is polled"
        yield f"| `{one.profile}` | {one.rss_mb:.1f} | {one.cpu_percent:.2f} | {polls} |"
    yield ""
    found = figures(samples)
    for text, key, values in (
        ("first answer, s", "first_answer_s", samples.first_answers_s),
        ("imports, ms", "import_ms", samples.imports_ms),
    ):
        yield f"{text:16} {found[key]:g} ({min(values):.3g} to {max(values):.3g})"
    yield f"{'wheel, KB':16} {found['wheel_kb']:g}"


def verdicts(found: Mapping[str, float]) -> Iterator[tuple[str, bool]]:
    for key, limit in GOALS.items():
        yield f"{key} {found[key]:g}, to be at most {limit:g}", found[key] <= limit
