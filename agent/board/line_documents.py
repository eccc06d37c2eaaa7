# SPDX-License-Identifier: Apache-2.0
"""How the line engine does, as JSON documents: its times, its inputs, its rules, and what it could not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.board.interlocks import Interlocks
    from agent.board.lines import BoardLines
    from native import DelaySummary

Document = dict[str, object]


def engine_document(lines: BoardLines) -> Document:
    """Times in microseconds since the last reset; `limits`: one sentence for each thing the thread could not have."""
    statistics = lines.engine.statistics()
    return {
        "lateness_us": _delays(statistics.lateness),
        "edge_to_action_us": _delays(statistics.edge_to_action),
        "write_us": _delays(statistics.write),
        "wakeups_per_s": round(statistics.wakeups_per_s, 2),
        "events_lost": statistics.events_lost,
        "ring_high_water": statistics.ring_high_water,
        "ring_capacity": statistics.ring_capacity,
        "guard": guard_state(lines),
        "limits": list(lines.engine.thread_report()),
    }


def guard_state(lines: BoardLines) -> str:
    """`none`: no outputs of a kernel chip are held, so there is nothing to guard."""
    if lines.guard is None:
        return "none"
    return "standing" if lines.guard.is_alive() else "lost"


def input_documents(lines: BoardLines) -> Document:
    """Every input as the engine sees it; glitches are null where the kernel debounces, for it does not tell."""
    documents: Document = {}
    for name in lines.inputs:
        state = lines.engine.input(name)
        documents[name] = {
            "steady": state.steady.name.lower(),
            "level": state.level,
            "stable_since_mono_ns": state.stable_since_ns,
            "blink_period_ms": state.blink_period_ms,
            "glitches": state.glitches,
            "raw_edges": state.raw_edges,
            "resyncs": state.resyncs,
        }
    return documents


def interlock_documents(interlocks: Interlocks) -> Document:
    """Whether each rule may act, and whether it has since it was last reset."""
    return {name: {"armed": state.armed, "fired": state.fired} for name, state in interlocks.states.items()}


def _delays(summary: DelaySummary) -> Document:
    return {
        "count": summary.count,
        "p50": round(summary.p50_us, 1),
        "p99": round(summary.p99_us, 1),
        "p99_9": round(summary.p999_us, 1),
        "max": round(summary.max_us, 1),
    }
