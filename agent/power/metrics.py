# SPDX-License-Identifier: Apache-2.0
"""How well power operations go: counts by outcome, durations, failure modes, refusals by policy. Of this run."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.power.gate import Policy
from agent.power.request import Verdict

if TYPE_CHECKING:
    from agent.power.operations import Operation
    from agent.power.request import Reply

BUCKETS_S = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the durations' histogram; what takes longer is in the last one, without bound."""

FAILURE_MODES: tuple[tuple[str, str], ...] = (
    ("did not rise", "power-good-missing"),
    ("did not come", "power-good-missing"),
    ("did not fall", "power-good-stays"),
    ("is still on after a hold", "power-good-stays"),
    ("still on", "shutdown-ignored"),
    ("power-good fell", "power-lost"),
    ("nothing was pressed", "changed-meanwhile"),
    ("switched on meanwhile", "changed-meanwhile"),
    ("timed out", "timed-out"),
    ("overtaken", "overtaken"),
    ("cut short", "interrupted"),
    ("press failed", "line-failed"),
    ("its control was not", "line-failed"),
    ("did not report", "line-failed"),
)
"""Words of a reason and the mode that they stand for; the first that fits counts."""
OTHER = "other"


@dataclass
class Durations:
    """A histogram in the shape that Prometheus wants."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    @property
    def count(self) -> int:
        return sum(self.counts)


class OperationMetrics:
    """Used on the loop's thread."""

    def __init__(self) -> None:
        self.ended: Counter[tuple[str, str]] = Counter()
        """By what was asked for, and verdict."""
        self.durations: dict[str, Durations] = {}
        self.failures: Counter[tuple[str, str]] = Counter()
        """By what was asked for, and mode."""
        self.refused: Counter[str] = Counter()
        """Requests that never became operations: by policy, or by verdict."""

    def operation_ended(self, operation: Operation) -> None:
        result = operation.result
        assert result is not None
        self.ended[operation.what, result.verdict.value] += 1
        self.durations.setdefault(operation.what, Durations()).add(operation.elapsed_ms / 1000)
        if not result.verdict.good:
            self.failures[operation.what, failure_mode(result)] += 1

    def request_refused(self, reply: Reply) -> None:
        policy = next((policy.value for policy in Policy if reply.reason.startswith(policy.value)), None)
        self.refused[policy or reply.verdict.value] += 1

    @property
    def success_rate(self) -> float | None:
        """The part of ended operations that did what was asked; None before the first."""
        total = sum(self.ended.values())
        good = sum(count for (_, verdict), count in self.ended.items() if verdict == Verdict.DONE.value)
        return good / total if total else None

    def document(self) -> dict[str, object]:
        """As faces show it."""
        rate = self.success_rate
        return {
            "success_rate": None if rate is None else round(rate, 4),
            "ended": {f"{what}: {verdict}": count for (what, verdict), count in sorted(self.ended.items())},
            "failure_modes": self._modes(),
            "refused": dict(sorted(self.refused.items())),
            "mean_s": {what: round(one.sum_s / one.count, 3) for what, one in sorted(self.durations.items())},
            "durations_s": self._durations(),
        }

    def totals(self) -> dict[str, object]:
        """Counters and histograms for telemetry."""
        by_verdict: Counter[str] = Counter()
        for (_, verdict), count in self.ended.items():
            by_verdict[verdict] += count
        done = by_verdict.pop(Verdict.DONE.value, 0)
        rate = self.success_rate
        return {
            "done": done,
            "failed": sum(by_verdict.values()),
            "refused": sum(self.refused.values()),
            "success_rate": None if rate is None else round(rate, 4),
            "failure_modes": self._modes(),
            "durations_s": self._durations(),
        }

    def _modes(self) -> dict[str, int]:
        return {f"{what}: {mode}": count for (what, mode), count in sorted(self.failures.items())}

    def _durations(self) -> dict[str, dict[str, int]]:
        """Per what was asked for: how many took at most so many seconds and more than the bucket before."""
        bounds = (*map(str, BUCKETS_S), "more")
        return {what: dict(zip(bounds, one.counts, strict=True)) for what, one in sorted(self.durations.items())}


def failure_mode(result: Reply) -> str:
    if result.verdict is Verdict.FAILED:
        return next((mode for words, mode in FAILURE_MODES if words in result.reason), OTHER)
    word: str = result.verdict.value
    return word
