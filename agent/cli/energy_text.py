# SPDX-License-Identifier: Apache-2.0
"""What `pgood energy` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.cli.trends import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMN = 12


def readable(found: dict[str, Any]) -> Iterator[str]:
    """Lines for a person."""
    state, readings = found["state"], found["readings"]
    yield _row("cap", _cap(state))
    if state["policy"] is not None:
        yield _row("because", f"{state['policy']}: {state['why']}")
    if state["reason"]:
        yield _row(state["state"], state["reason"])
    yield _row("draws", _draws(state, readings))
    if readings["node_today_kwh"] is not None:
        yield _row("today", f"{readings['node_today_kwh']:.3f} kWh (processors {readings['cpu_today_kwh']:.3f} kWh)")
    for name, signal in state["signals"].items():
        yield _row(name, _signal(signal))
    if state["proposals"]:
        yield _row("policies", ", ".join(f"{one['policy']} {_watts(one['cap_w'])}" for one in state["proposals"]))
    elif state["cap_w"] is not None:
        yield _row("policies", "none: the largest cap holds")
    if found["caps"]:
        yield _row("today's cap", _curve([one["cap_w"] for one in found["caps"]], "W"))
    for name, points in found["curves"].items():
        if points:
            yield _row(name, _curve([point["value"] for point in points], state["signals"][name]["unit"]))


def _row(name: str, text: str) -> str:
    return f"{name:{COLUMN}} {text}"


def _cap(state: dict[str, Any]) -> str:
    if state["cap_w"] is None:
        return "none yet"
    limits = state["range_w"]
    between = f"{limits['min']:g} to {limits['max']:g} W possible, {limits['safe']:g} W when nothing is known"
    in_force = f", in force {state['in_force_w']} W" if state["in_force_w"] not in (None, state["cap_w"]) else ""
    return f"{state['cap_w']} W by {state['actuator']}{in_force} ({between})"


def _draws(state: dict[str, Any], readings: dict[str, Any]) -> str:
    told = []
    for key, what in (("node_w", "machine"), ("cpu_w", "processors")):
        if readings[key] is not None:
            estimated = ", estimated" if key in state["estimated"] else ""
            told.append(f"{what} {readings[key]:.1f} W ({state['sources'][key]}{estimated})")
    return ", ".join(told) or "no meter tells"


def _signal(signal: dict[str, Any]) -> str:
    error = f" ({signal['error']})" if signal["error"] else ""
    if signal["value"] is None:
        return f"{signal['freshness'] or 'not known yet'}{error}"
    return f"{signal['value']:g} {signal['unit']} until {signal['until'][11:16]} UTC, {signal['freshness']}{error}"


def _watts(watts: float | None) -> str:
    return "-" if watts is None else f"{watts:g} W"


def _curve(values: list[float], unit: str) -> str:
    return f"{sparkline(values)}  {min(values):g} to {max(values):g} {unit}"


def forecast_lines(found: dict[str, Any]) -> Iterator[str]:
    points = found["points"]
    if not points:
        yield f"no forecast of {found['of']}: {found['why']}"
        return
    first, last = points[0], points[-1]
    yield _row(found["of"], _curve([point["value"] for point in points], ""))
    yield _row("from", f"{first['start']}: {first['value']:g} ({first['low']:g} to {first['high']:g})")
    yield _row("to", f"{last['start']}: {last['value']:g} ({last['low']:g} to {last['high']:g})")
    yield _row(
        "error", f"{found['error']['mae']:g} by {found['model']}, {found['naive_error']['mae']:g} is to be beaten"
    )
    yield _row("because", found["why"])


def what_if_lines(found: dict[str, Any]) -> Iterator[str]:
    now, trip = (f"{value:g} C" if value is not None else "not known" for value in (found["now_c"], found["trip_c"]))
    yield _row("now", f"{now}, trip {trip}")
    for key, what in (("in_10_min", "in 10 min"), ("steady", "at last")):
        if found[key]:
            yield _row(what, f"{found[key]['c']:g} C ({found[key]['low_c']:g} to {found[key]['high_c']:g})")
    if found["note"]:
        yield _row("note", found["note"])
