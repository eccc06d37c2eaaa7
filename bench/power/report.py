# SPDX-License-Identifier: Apache-2.0
"""From samples to figures, the table and the goals."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.lines.figures import percentile
from bench.power.profile import DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.power.measure import Sample

LAG_P99_MS = 10.0
IDLE_P99_MS = 5.0
BUSY_P99_MS = 25.0


def figures(samples: Sequence[Sample]) -> dict[str, float]:
    """Medians over the rounds; percentiles within each round."""
    return {
        "domains": DOMAINS,
        "start_s": round(median(one.start_s for one in samples), 3),
        "loop_lag_p99_ms": round(median(percentile(one.lags_ms, 99) for one in samples), 3),
        "rss_mb": round(median(one.rss_mb for one in samples), 1),
        "emergency_p99_ms_idle": round(median(percentile(one.idle_ms, 99) for one in samples), 3),
        "emergency_p99_ms_busy": round(median(percentile(one.busy_ms, 99) for one in samples), 3),
    }


def table(found: Mapping[str, float]) -> Iterator[str]:
    for key, value in found.items():
        yield f"{key:24} {value:10g}"


def verdicts(found: Mapping[str, float]) -> Iterator[tuple[str, bool]]:
    yield f"lag of the loop p99 < {LAG_P99_MS:g} ms while the domains start", found["loop_lag_p99_ms"] < LAG_P99_MS
    for key, limit_ms in (("emergency_p99_ms_idle", IDLE_P99_MS), ("emergency_p99_ms_busy", BUSY_P99_MS)):
        yield f"{key} <= {limit_ms:g} ms", found[key] <= limit_ms
