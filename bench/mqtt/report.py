# SPDX-License-Identifier: Apache-2.0
"""From samples to medians with their spread, to JSON and CSV, and to the verdict on each goal."""

from __future__ import annotations

import csv
import json
import statistics
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from bench.mqtt.measure import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MEASURES = [field.name for field in fields(Sample)]
LEAST_RATIO = 0.8
LARGEST_GROWTH_MB = 8.0
LARGEST_DEVICE_BYTES = 600.0


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratios(samples: Sequence[Sample], qos: int) -> list[float]:
    """Our throughput over bare paho's, round by round."""
    return [getattr(one, f"pgood_qos{qos}_per_s") / getattr(one, f"paho_qos{qos}_per_s") for one in samples]


def growths(samples: Sequence[Sample]) -> list[float]:
    return [one.rss_many_mb - one.rss_few_mb for one in samples]


def device_bytes(samples: Sequence[Sample]) -> list[float]:
    return [one.device_bytes_per_record for one in samples if one.device_bytes_per_record is not None]


def figures(samples: Sequence[Sample]) -> dict[str, object]:
    """The medians by the names that readers of the JSON expect."""
    names = ("pgood_p50", "pgood_p99", "paho_p50", "paho_p99")
    on_device = device_bytes(samples)
    return {
        "event_latency_ms": {
            name: round(statistics.median(getattr(one, f"{name}_ms") for one in samples), 4) for name in names
        },
        "throughput_ratio": {f"qos{qos}": round(statistics.median(ratios(samples, qos)), 4) for qos in (0, 1)},
        "rss_growth_mb_1e6_spooled": round(statistics.median(growths(samples)), 3),
        "drain_per_s": round(statistics.median(one.drain_per_s for one in samples), 1),
        "device_bytes_per_record": round(statistics.median(on_device), 1) if on_device else None,
    }


def write(samples: Sequence[Sample], file: Path) -> None:
    """JSON with the medians, and beside it the raw samples as CSV."""
    file.write_text(json.dumps(figures(samples), indent=1) + "\n", encoding="utf-8")
    with file.with_suffix(".csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["round", *MEASURES])
        for number, sample in enumerate(samples, start=1):
            rows.writerow([number, *asdict(sample).values()])


def table(samples: Sequence[Sample]) -> Iterator[str]:
    """Markdown: median (lower to upper quartile) of every measure."""
    yield "| | pgood | bare paho |"
    yield "|---|---|---|"
    for label, ours, theirs in (
        ("event to subscriber, p50, ms", "pgood_p50_ms", "paho_p50_ms"),
        ("event to subscriber, p99, ms", "pgood_p99_ms", "paho_p99_ms"),
        ("QoS 0, messages/s", "pgood_qos0_per_s", "paho_qos0_per_s"),
        ("QoS 1, messages/s", "pgood_qos1_per_s", "paho_qos1_per_s"),
        ("QoS 0, CPU us per message", "pgood_qos0_cpu_us", "paho_qos0_cpu_us"),
        ("QoS 1, CPU us per message", "pgood_qos1_cpu_us", "paho_qos1_cpu_us"),
    ):
        yield f"| {label} | {_cell(samples, ours)} | {_cell(samples, theirs)} |"
    yield f"| peak memory with few spooled records, MB | {_cell(samples, 'rss_few_mb')} | |"
    yield f"| peak memory with 1,000,000, MB | {_cell(samples, 'rss_many_mb')} | |"
    yield f"| drained per second | {_cell(samples, 'drain_per_s')} | |"
    if device_bytes(samples):
        yield f"| device bytes per record of 256 | {_format(device_bytes(samples))} | |"


def verdicts(samples: Sequence[Sample]) -> Iterator[tuple[str, bool]]:
    """Each goal in words, and whether the bound of the spread keeps it."""
    for qos in (0, 1):
        low, middle, high = spread(ratios(samples, qos))
        text = f"QoS {qos}: {middle:.2f} x bare paho ({low:.2f} to {high:.2f}), to be at least {LEAST_RATIO}"
        yield text, low >= LEAST_RATIO
    worst = max(growths(samples))
    yield (
        f"1,000,000 records: {worst:.2f} MB more at worst, to be at most {LARGEST_GROWTH_MB}",
        worst <= LARGEST_GROWTH_MB,
    )
    on_device = device_bytes(samples)
    if not on_device:
        yield "device bytes per record: not measured, a loop device takes root", False
        return
    most = max(on_device)
    yield f"{most:.0f} device bytes per record, to be at most {LARGEST_DEVICE_BYTES:.0f}", most <= LARGEST_DEVICE_BYTES


def _cell(samples: Sequence[Sample], name: str) -> str:
    return _format([getattr(one, name) for one in samples])


def _format(values: Sequence[float]) -> str:
    low, middle, high = spread(values)
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"
