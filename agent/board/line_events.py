# SPDX-License-Identifier: Apache-2.0
"""What the line engine tells, as events of the board: one small function per kind, times in the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events.event import EventKind
from native import (
    InterlockEnded,
    InterlockFired,
    LineFailed,
    Outcome,
    PowerGood,
    PowerGoodEvent,
    Resync,
    SequenceDone,
    SlowWrite,
)

if TYPE_CHECKING:
    from native import LineEvent

Told = tuple[EventKind, str, tuple[str, ...]]
"""Kind, source and arguments of an event of the board; the first argument names the source."""

FIRED = {
    Outcome.COMPLETED: EventKind.INTERLOCK_FIRED,
    Outcome.REFUSED: EventKind.INTERLOCK_SKIPPED,
    Outcome.FAILED: EventKind.INTERLOCK_FAILED,
}
WATCHED = {
    PowerGood.ROSE: EventKind.POWER_GOOD_ROSE,
    PowerGood.MISSING: EventKind.POWER_GOOD_MISSING,
    PowerGood.DIPPED: EventKind.POWER_GOOD_DIPPED,
    PowerGood.LOST: EventKind.POWER_GOOD_LOST,
    PowerGood.RECOVERED: EventKind.POWER_GOOD_RECOVERED,
}
NS_PER_MS = 1e6
NS_PER_US = 1e3


def board_event(event: LineEvent) -> Told | None:
    """The event of the board, or None for what only the hosts are to hear."""
    match event:
        case Resync():
            return _resync(event)
        case LineFailed():
            return EventKind.LINES_FAILED, f"line/{event.line}", (event.line, event.reason)
        case SlowWrite():
            return EventKind.LINES_SLOW_WRITE, f"line/{event.line}", (event.line, f"{event.took_us:.0f}")
        case InterlockFired():
            return _fired(event)
        case InterlockEnded():
            args = (event.rule, event.output, f"{event.achieved_ms:.1f}", _how(event.outcome, event.reason))
            return EventKind.INTERLOCK_ENDED, f"interlock/{event.rule}", args
        case SequenceDone():
            return sequence_event(event)
        case PowerGoodEvent():
            return _power_good(event)
        case _:
            return None


def _resync(event: Resync) -> Told:
    source = f"line/{event.line}" if event.line else "lines"
    return EventKind.LINES_RESYNC, source, (event.line or "all lines", f"{event.reason} ({event.lost})")


def _fired(event: InterlockFired) -> Told:
    source = f"interlock/{event.rule}"
    if event.outcome is not Outcome.COMPLETED:
        return FIRED[event.outcome], source, (event.rule, event.output, event.reason)
    after_us = (event.action_ns - event.edge_ns) / NS_PER_US
    args = (event.rule, event.output, f"{after_us:.0f}", str(event.edge_ns), str(event.action_ns))
    return FIRED[event.outcome], source, args


def sequence_event(event: SequenceDone) -> Told:
    """The end of a rail sequence, with the time that each step took."""
    source = f"sequence/{event.sequence}"
    steps = ", ".join(f"{step.step}: {(step.ready_ns - step.driven_ns) / NS_PER_MS:.1f} ms" for step in event.steps)
    took = f"{(event.ended_ns - event.started_ns) / NS_PER_MS:.1f}"
    if event.outcome is Outcome.COMPLETED:
        return EventKind.SEQUENCE_COMPLETED, source, (event.sequence, took, steps)
    step = f"step {event.failed_step}" if event.failed_step >= 0 else "before its first step"
    return EventKind.SEQUENCE_FAILED, source, (event.sequence, step, _how(event.outcome, event.reason), steps)


def _power_good(event: PowerGoodEvent) -> Told:
    span_ms = f"{(event.to_ns - event.from_ns) / NS_PER_MS:.1f}" if event.to_ns else "-"
    return WATCHED[event.what], f"watch/{event.watch}", (event.watch, span_ms, str(event.from_ns), str(event.to_ns))


def _how(outcome: Outcome, reason: str) -> str:
    word = outcome.name.lower().replace("_", " ")
    return f"{word}: {reason}" if reason else word
