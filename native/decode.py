# SPDX-License-Identifier: Apache-2.0
"""Turns the C structures of the engine into the frozen values of events.py; nobody else looks into them."""

from __future__ import annotations

import os
from typing import Any

from native._core import lib
from native.events import (
    CommandDone,
    DelaySummary,
    EngineStatistics,
    InputChanged,
    InputState,
    LineEvent,
    LineFailed,
    Outcome,
    Resync,
)
from native.lines import Steady

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
}


class EventDecoder:
    """Knows the names behind the indexes of one engine."""

    def __init__(self, outputs: tuple[str, ...], inputs: tuple[str, ...]) -> None:
        self._outputs = outputs
        self._inputs = inputs

    def decode(self, item: Any) -> LineEvent:
        """Returns the event of one C structure."""
        if item.kind == lib.ENG_EVENT_COMMAND_DONE:
            return self._command_done(item)
        if item.kind == lib.ENG_EVENT_INPUT_CHANGED:
            return InputChanged(
                item.time_ns, self._inputs[item.line], Steady(item.steady), Steady(item.previous), item.edge_ns
            )
        if item.kind == lib.ENG_EVENT_LINE_FAILED:
            names = self._outputs if item.is_output else self._inputs
            return LineFailed(item.time_ns, names[item.line], os.strerror(item.error))
        name = self._inputs[item.line] if item.line >= 0 else ""
        return Resync(item.time_ns, name, _REASONS[item.reason], item.count)

    def _command_done(self, item: Any) -> CommandDone:
        return CommandDone(
            time_ns=item.time_ns,
            token=item.token,
            line=self._outputs[item.line],
            outcome=Outcome(item.outcome),
            asked_ms=item.asked_ns / 1e6,
            achieved_ms=item.achieved_ns / 1e6,
            started_ns=item.started_ns,
            ended_ns=item.ended_ns,
            reason=_REASONS[item.reason] + (f": {os.strerror(item.error)}" if item.error else ""),
        )


def input_state(state: Any) -> InputState:
    """Returns the state of an input."""
    return InputState(
        steady=Steady(state.steady),
        level=bool(state.level),
        stable_since_ns=state.stable_since_ns,
        glitches=state.glitches,
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
