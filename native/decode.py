# SPDX-License-Identifier: Apache-2.0
"""Turns the C structures of the engine into the frozen values of events.py; nobody else looks into them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from native._core import lib
from native.events import (
    CommandDone,
    DelaySummary,
    EngineStatistics,
    InputChanged,
    InputState,
    InterlockEnded,
    InterlockFired,
    LineEvent,
    LineFailed,
    Outcome,
    PowerGood,
    PowerGoodEvent,
    Resync,
    SequenceDone,
    SlowWrite,
    StepDone,
)
from native.lines import Steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from native.lines import EngineConfig

_REASONS: dict[int, str] = {
    lib.ENG_REASON_NONE: "",
    lib.ENG_REASON_BUSY: "busy",
    lib.ENG_REASON_INVALID: "not a valid command for this line",
    lib.ENG_REASON_STOPPED: "the engine was stopped",
    lib.ENG_REASON_PRECONDITION: "precondition is false",
    lib.ENG_REASON_UNSTABLE: "precondition has not been stable for long enough",
    lib.ENG_REASON_UNKNOWN_INPUT: "the input of the precondition is unknown",
    lib.ENG_REASON_ALREADY: "condition was already met",
    lib.ENG_REASON_LIMIT: "limit reached",
    lib.ENG_REASON_CANCELLED: "cancelled",
    lib.ENG_REASON_RELEASED: "released",
    lib.ENG_REASON_WRITE_FAILED: "the line could not be written",
    lib.ENG_REASON_EDGES_LOST: "edges lost",
    lib.ENG_REASON_LEVEL_DIFFERS: "level differs from the last edge",
    lib.ENG_REASON_EVENTS_LOST: "events lost",
    lib.ENG_REASON_INTERLOCK: "an interlock has the line",
    lib.ENG_REASON_TIMEOUT: "the step's condition did not come in time",
    lib.ENG_REASON_NOT_POWERED: "the host is not on",
}


class EventDecoder:
    """Knows the names behind the indexes of one engine. One thread at a time."""

    def __init__(self, config: EngineConfig) -> None:
        self._outputs = tuple(line.name for line in config.outputs)
        self._inputs = tuple(line.name for line in config.inputs)
        self._rules = tuple(rule.name for rule in config.interlocks)
        self._sequences = tuple(sequence.name for sequence in config.sequences)
        self._watches = tuple(watch.name for watch in config.watches)
        self._steps: dict[int, list[StepDone]] = {}
        self._by_kind: dict[int, Callable[[Any], LineEvent | None]] = {
            lib.ENG_EVENT_COMMAND_DONE: self._command_done,
            lib.ENG_EVENT_INPUT_CHANGED: self._input_changed,
            lib.ENG_EVENT_RESYNC: self._resync,
            lib.ENG_EVENT_LINE_FAILED: self._line_failed,
            lib.ENG_EVENT_POWER_GOOD: self._power_good,
            lib.ENG_EVENT_INTERLOCK_FIRED: self._interlock_fired,
            lib.ENG_EVENT_INTERLOCK_ENDED: self._interlock_ended,
            lib.ENG_EVENT_SEQUENCE_STEP: self._sequence_step,
            lib.ENG_EVENT_SEQUENCE_DONE: self._sequence_done,
            lib.ENG_EVENT_SLOW_WRITE: self._slow_write,
        }

    def decode(self, item: Any) -> LineEvent | None:
        """Returns the event of one C structure; None for a part of an event that is still to come."""
        return self._by_kind[item.kind](item)

    def _command_done(self, item: Any) -> LineEvent:
        return CommandDone(
            time_ns=item.time_ns,
            token=item.token,
            line=self._outputs[item.line],
            outcome=Outcome(item.outcome),
            asked_ms=item.asked_ns / 1e6,
            achieved_ms=item.achieved_ns / 1e6,
            started_ns=item.started_ns,
            ended_ns=item.ended_ns,
            reason=_reason(item),
        )

    def _input_changed(self, item: Any) -> LineEvent:
        return InputChanged(
            item.time_ns, self._inputs[item.line], Steady(item.steady), Steady(item.previous), item.edge_ns
        )

    def _resync(self, item: Any) -> LineEvent:
        # Steps may be among what was lost; nothing half-known is kept.
        if item.line < 0:
            self._steps.clear()
        return Resync(item.time_ns, self._inputs[item.line] if item.line >= 0 else "", _reason(item), item.count)

    def _line_failed(self, item: Any) -> LineEvent:
        names = self._outputs if item.is_output else self._inputs
        return LineFailed(item.time_ns, names[item.line], os.strerror(item.error))

    def _power_good(self, item: Any) -> LineEvent:
        return PowerGoodEvent(
            item.time_ns,
            self._watches[item.line],
            PowerGood(item.outcome),
            item.started_ns,
            item.ended_ns,
            item.edge_ns,
        )

    def _interlock_fired(self, item: Any) -> LineEvent:
        return InterlockFired(
            time_ns=item.time_ns,
            rule=self._rules[item.line],
            output=self._outputs[item.item],
            outcome=Outcome(item.outcome),
            edge_ns=item.edge_ns,
            action_ns=item.started_ns,
            reason=_reason(item),
        )

    def _interlock_ended(self, item: Any) -> LineEvent:
        return InterlockEnded(
            time_ns=item.time_ns,
            rule=self._rules[item.line],
            output=self._outputs[item.item],
            outcome=Outcome(item.outcome),
            achieved_ms=item.achieved_ns / 1e6,
            started_ns=item.started_ns,
            ended_ns=item.ended_ns,
            reason=_reason(item),
        )

    def _sequence_step(self, item: Any) -> None:
        self._steps.setdefault(item.token, []).append(StepDone(item.item, item.started_ns, item.ended_ns))

    def _sequence_done(self, item: Any) -> LineEvent:
        return SequenceDone(
            time_ns=item.time_ns,
            token=item.token,
            sequence=self._sequences[item.line],
            outcome=Outcome(item.outcome),
            failed_step=item.item,
            started_ns=item.started_ns,
            ended_ns=item.ended_ns,
            steps=tuple(self._steps.pop(item.token, ())),
            reason=_reason(item),
        )

    def _slow_write(self, item: Any) -> LineEvent:
        return SlowWrite(item.time_ns, self._outputs[item.line], item.achieved_ns / 1e3)


def _reason(item: Any) -> str:
    return _REASONS[item.reason] + (f": {os.strerror(item.error)}" if item.error else "")


def input_state(state: Any, *, counts_glitches: bool) -> InputState:
    """Returns the state of an input."""
    return InputState(
        steady=Steady(state.steady),
        level=bool(state.level),
        stable_since_ns=state.stable_since_ns,
        glitches=state.glitches if counts_glitches else None,
        raw_edges=state.raw_edges,
        resyncs=state.resyncs,
        blink_period_ms=state.blink_period_ns / 1e6 if state.blink_period_ns else None,
    )


def _delays(summary: Any) -> DelaySummary:
    return DelaySummary(
        summary.count, summary.p50_ns / 1e3, summary.p99_ns / 1e3, summary.p999_ns / 1e3, summary.max_ns / 1e3
    )


def statistics(values: Any) -> EngineStatistics:
    """Returns the statistics of an engine."""
    span_s = (values.now_ns - values.since_ns) / 1e9
    return EngineStatistics(
        lateness=_delays(values.lateness),
        edge_to_action=_delays(values.edge_to_action),
        write=_delays(values.write),
        wakeups=values.wakeups,
        wakeups_per_s=values.wakeups / span_s if values.since_ns and span_s > 0 else 0.0,
        events_lost=values.events_lost,
        ring_high_water=values.ring_high_water,
        ring_capacity=values.ring_capacity,
    )
