# SPDX-License-Identifier: Apache-2.0
"""Whether a sample is worth a message: something changed by more than its dead-band, or it has been quiet for long.

Pure: the caller gives readings and monotonic time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paho.mqtt.client import topic_matches_sub

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.profile.schema import TelemetryRule

NO_READINGS = frozenset({"seq", "time", "mono_ns", "boot", "uptime_s", "engine", "mqtt"})
"""Parts of a sample that are never the reason to publish it: they change with every look."""
EARLY_S = 0.05
"""A heartbeat that is due within this is due now: timers are not exact."""

Leaf = float | str | bool | None


class ChangeGate:
    """Remembers what was published last. The first rule that fits a reading counts."""

    def __init__(self, rules: Sequence[TelemetryRule] = ()) -> None:
        self._rules = tuple(rules)
        self._fitting: dict[str, TelemetryRule | None] = {}
        self._last: dict[str, Leaf] | None = None
        self._published_s = 0.0
        self._caused_s: dict[str, float] = {}
        """When a reading was last the reason for a message."""

    def reset(self) -> None:
        """Somebody new listens: the next sample is published."""
        self._last = None

    def passes(self, sample: Mapping[str, object], now_s: float, heartbeat_s: float) -> bool:
        """True = publish it; it counts as published from here on."""
        readings = dict(_readings(sample))
        causes = self._causes(readings, now_s)
        if self._last is not None and not causes and now_s - self._published_s < heartbeat_s - EARLY_S:
            return False
        self._caused_s.update(dict.fromkeys(causes, now_s))
        self._last, self._published_s = readings, now_s
        return True

    def _causes(self, readings: Mapping[str, Leaf], now_s: float) -> list[str]:
        if self._last is None:
            return []
        last = self._last
        return [
            place
            for place, value in readings.items()
            if self._differs(place, last.get(place), value) and self._may_cause(place, now_s)
        ]

    def _differs(self, place: str, before: Leaf, now: Leaf) -> bool:
        if isinstance(before, int | float) and isinstance(now, int | float):
            rule = self._rule(place)
            return abs(now - before) > (rule.deadband if rule else 0.0)
        return before != now

    def _may_cause(self, place: str, now_s: float) -> bool:
        rule, caused_s = self._rule(place), self._caused_s.get(place)
        return rule is None or caused_s is None or now_s - caused_s >= rule.every_s - EARLY_S

    def _rule(self, place: str) -> TelemetryRule | None:
        if place not in self._fitting:
            fitting = (rule for rule in self._rules if topic_matches_sub(rule.reading, place))
            self._fitting[place] = next(fitting, None)
        return self._fitting[place]


def _readings(sample: Mapping[str, object]) -> Iterator[tuple[str, Leaf]]:
    """Every reading with its place, `supplies/1/pin_w`."""
    for key, value in sample.items():
        if key not in NO_READINGS:
            yield from _flat(key, value)


def _flat(place: str, value: object) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{place}/{key}", inner)
    elif value is None or isinstance(value, int | float | str):
        yield place, value
    else:
        yield place, repr(value)
