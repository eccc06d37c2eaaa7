# SPDX-License-Identifier: Apache-2.0
"""The text format of Prometheus (exposition format 0.0.4): families of samples to lines."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricType(enum.Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """`suffix` is `_bucket`, `_sum` or `_count` of a histogram, else empty."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """`name` carries the unit (`_watts`, `_celsius`, `_seconds`); counters end in `_total`."""

    name: str
    type: MetricType
    help: str
    samples: tuple[Sample, ...]


def gauge(name: str, help_text: str, values: Iterable[tuple[Mapping[str, str], float | None]]) -> Family:
    """What is not available (None) is left out: no sample is no value."""
    samples = (Sample(value, tuple(labels.items())) for labels, value in values if value is not None)
    return Family(name, MetricType.GAUGE, help_text, tuple(samples))


def counter(name: str, help_text: str, values: Iterable[tuple[Mapping[str, str], float]]) -> Family:
    samples = (Sample(value, tuple(labels.items())) for labels, value in values)
    return Family(name, MetricType.COUNTER, help_text, tuple(samples))


def histogram(
    name: str,
    help_text: str,
    bounds: tuple[float, ...],
    series: Iterable[tuple[Mapping[str, str], tuple[int, ...], float]],
) -> Family:
    """Each series: labels, counts per bucket (one more than bounds), sum."""
    samples: list[Sample] = []
    for given, counts, total in series:
        labels, below = tuple(given.items()), 0
        for bound, count in zip((*bounds, math.inf), counts, strict=True):
            below += count
            samples.append(Sample(below, (*labels, ("le", _number(bound))), "_bucket"))
        samples += [Sample(total, labels, "_sum"), Sample(below, labels, "_count")]
    return Family(name, MetricType.HISTOGRAM, help_text, tuple(samples))


def exposition(families: Iterable[Family]) -> str:
    """The whole page; families without samples are left out."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help, quotes=False)}"
    yield f"# TYPE {family.name} {family.type.value}"
    for sample in family.samples:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
        yield f"{family.name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}"


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else f"{value:.10g}"
