# SPDX-License-Identifier: Apache-2.0
"""The trend of one reading as far as it is not stored yet: mean, lowest and highest of every step. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from agent.trends.span import GRIDS, Span


@dataclass(frozen=True, slots=True)
class Bucket:
    """All samples of one step."""

    position: int
    count: int
    mean: float
    low: float
    high: float

    def with_sample(self, value: float) -> Bucket:
        count = self.count + 1
        mean = self.mean + (value - self.mean) / count
        return Bucket(self.position, count, mean, min(self.low, value), max(self.high, value))


class Series:
    """Holds what was counted since it was stored last; of each span at most one ring full."""

    def __init__(self) -> None:
        self._fresh: dict[Span, dict[int, Bucket]] = {span: {} for span in Span}
        self._open: dict[Span, Bucket] = {}

    def resume(self, span: Span, bucket: Bucket) -> None:
        """A step that was begun before a restart goes on."""
        self._open[span] = bucket

    def add(self, axis_s: float, value: float) -> None:
        for span, grid in GRIDS.items():
            position = grid.position(axis_s)
            last = self._open.get(span)
            if last is not None and last.position == position:
                bucket = last.with_sample(value)
            else:
                bucket = Bucket(position, 1, value, value, value)
            self._open[span] = self._fresh[span][position % grid.steps] = bucket

    def fresh(self) -> list[tuple[Span, Bucket]]:
        """What is not stored yet."""
        return [(span, bucket) for span, buckets in self._fresh.items() for bucket in buckets.values()]

    def fresh_of(self, span: Span) -> list[Bucket]:
        return list(self._fresh[span].values())

    def stored(self, buckets: list[tuple[Span, Bucket]]) -> None:
        """These are safe; one that has changed meanwhile is still fresh."""
        for span, bucket in buckets:
            slot = bucket.position % GRIDS[span].steps
            if self._fresh[span].get(slot) is bucket:
                del self._fresh[span][slot]
