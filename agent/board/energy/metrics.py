# SPDX-License-Identifier: Apache-2.0
"""The energy controller's readings as families for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.prometheus.exposition import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.prometheus.exposition import Family

GAUGES: tuple[tuple[str, str, str], ...] = (
    ("node_w", "pgood_node_watts", "What the machine draws."),
    ("cpu_w", "pgood_cpu_watts", "What its processor packages draw."),
    ("cap_w", "pgood_power_cap_watts", "The cap that is wanted."),
)
"""Key of the telemetry, name and help of the metric."""
COUNTERS: tuple[tuple[str, str, str], ...] = (
    ("adjustments", "pgood_power_cap_adjustments_total", "Caps that were set."),
    ("failed_writes", "pgood_power_cap_failures_total", "Caps that the machine did not take."),
)


def energy_families(readings: Mapping[str, Any]) -> Iterator[Family]:
    for key, name, text in GAUGES:
        yield gauge(name, text, [({}, readings[key])])
    for key, name, text in COUNTERS:
        yield counter(name, text, [({}, readings[key])])
    signals = [({"signal": name}, value) for name, value in readings["signals"].items()]
    yield gauge("pgood_signal", "Each signal's value of now, in its own unit.", signals)
