# SPDX-License-Identifier: Apache-2.0
"""Which changes are events: caps, failures and what becomes of signals, each told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.actuators.interface import Answer
from agent.energy.cadence import Told, worth_telling
from agent.energy.policies.situation import Freshness
from agent.events.event import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agent.energy.actuators.interface import Applied
    from agent.energy.decide import Decision
    from agent.energy.feed import SignalFeed
    from agent.energy.policies.situation import CapRange, SignalView

SOURCE = "energy"
GIVEN_BACK = (Answer.DONE, Answer.ABSENT)


class EnergyEvents:
    """Used on the loop's thread."""

    def __init__(self, emit: Callable[..., object]) -> None:
        self._emit = emit
        self._told: Told | None = None
        self._failure = ""
        self._freshness: dict[str, Freshness] = {}

    def recovered(self, answers: Sequence[Applied]) -> None:
        """What an agent before this one left was put back, or was not."""
        if not answers:
            return
        why = "; ".join(answer.reason for answer in answers if answer.reason) or "as it was found"
        good = all(answer.answer in GIVEN_BACK for answer in answers)
        kind = EventKind.ENERGY_RECOVERED if good else EventKind.ENERGY_NOT_RECOVERED
        self._emit(kind, SOURCE, SOURCE, why)

    def written(self, decision: Decision, cap_range: CapRange, failure: str, now_ns: int) -> None:
        """`failure`: why the cap is not in force; empty = it is."""
        cap = f"{decision.cap_w:.1f}"
        if failure != self._failure:
            self._failure = failure
            kind = EventKind.ENERGY_CAP_FAILED if failure else EventKind.ENERGY_CAP_WORKS
            self._emit(kind, SOURCE, SOURCE, cap, *([failure] if failure else []))
        binding, width_w = decision.binding, cap_range.max_w - cap_range.min_w
        if not failure and worth_telling(self._told, binding.policy, decision.cap_w, width_w, now_ns):
            self._told = Told(binding.policy, decision.cap_w, now_ns)
            self._emit(EventKind.ENERGY_CAP, SOURCE, SOURCE, cap, binding.policy, binding.why)

    def signals(self, views: Mapping[str, SignalView], feeds: Mapping[str, SignalFeed]) -> None:
        """What is fresh at start is no news."""
        for name, view in views.items():
            before, self._freshness[name] = self._freshness.get(name, Freshness.FRESH), view.freshness
            if before is view.freshness:
                continue
            source, error = f"{SOURCE}/{name}", feeds[name].last_error or "its source has no newer data"
            match view.freshness:
                case Freshness.STALE:
                    self._emit(EventKind.ENERGY_SIGNAL_STALE, source, name, error)
                case Freshness.EXPIRED:
                    self._emit(EventKind.ENERGY_SIGNAL_EXPIRED, source, name, error)
                case Freshness.FRESH:
                    self._emit(EventKind.ENERGY_SIGNAL_FRESH, source, name)
