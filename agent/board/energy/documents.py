# SPDX-License-Identifier: Apache-2.0
"""The energy controller as JSON: its retained state, its telemetry, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.battery import BatteryPhase
from agent.energy.battery_watch import SOURCE
from agent.energy.kubernetes.publisher import WELL
from agent.energy.meters.interface import Quantity
from agent.energy.policies.situation import Freshness
from agent.energy.throttle_watch import SOURCE as THROTTLED
from agent.energy.throttle_watch import words
from agent.energy.view import CapState
from agent.events.event import rfc3339_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.board.energy.service import BoardEnergy
    from agent.energy.battery_watch import BatteryWatch
    from agent.energy.controller import EnergyController
    from agent.energy.decide import Decision
    from agent.energy.feed import SignalFeed
    from agent.energy.kubernetes.publisher import NodePublisher
    from agent.energy.policies.situation import Situation
    from agent.energy.throttle_watch import ThrottleWatch

Document = dict[str, object]
WH_PER_KWH = 1000
NOT_WELL = (CapState.FAILING, CapState.YIELDING)


def energy_document(energy: BoardEnergy) -> Document:
    """Rounded to watts, so that it is not told anew for every flicker; telemetry has the exact readings."""
    controller = energy.controller
    view = controller.view
    limits, applied, decision = view.cap_range, view.applied, view.decision
    situation = view.situation
    return {
        "state": view.state.value,
        "reason": view.why,
        "actuator": view.actuator,
        "cap_w": None if decision is None else round(decision.cap_w),
        "in_force_w": None if applied is None or applied.in_force_w is None else round(applied.in_force_w),
        "answer": None if applied is None else applied.answer.value,
        "range_w": None if limits is None else {"min": limits.min_w, "safe": limits.safe_w, "max": limits.max_w},
        "policy": None if decision is None else decision.binding.policy,
        "why": None if decision is None else decision.binding.why,
        "proposals": _proposals(decision),
        "throttled": _throttled(energy.throttling),
        "battery": _battery(energy.battery),
        "kubernetes": _node(energy.node),
        "work": None if view.tuned is None else view.tuned.workload.value,
        "boost": view.tuned is not None and view.tuned.boost_left_s is not None,
        "signals": {name: _signal(feed, situation) for name, feed in controller.feeds.items()},
        "sources": {reading.quantity.value: reading.source for reading in view.measured.readings.values()},
        "estimated": sorted(one.quantity.value for one in view.measured.readings.values() if one.estimated),
    }


def energy_readings(controller: EnergyController) -> Document:
    """What telemetry has; null = unavailable."""
    view = controller.view
    ledger, situation = controller.counters.ledger, view.situation
    today = None if situation is None else ledger.date(situation.now_s)
    return {
        "node_w": _rounded(view.measured.watts(Quantity.NODE_W)),
        "cpu_w": _rounded(view.measured.watts(Quantity.CPU_W)),
        "cap_w": None if view.decision is None else _rounded(view.decision.cap_w),
        "node_today_kwh": None if today is None else round(ledger.day(Quantity.NODE_W, today).wh / WH_PER_KWH, 4),
        "cpu_today_kwh": None if today is None else round(ledger.day(Quantity.CPU_W, today).wh / WH_PER_KWH, 4),
        "signals": {name: _value(name, situation) for name in controller.feeds},
        "utilisation": None if view.tuned is None else _rounded(view.tuned.utilisation),
        "optimal_ghz": None if view.tuned is None else _rounded(view.tuned.optimal_ghz),
        "adjustments": view.counts.adjustments,
        "failed_writes": view.counts.failed_writes,
    }


def energy_problems(energy: BoardEnergy) -> Iterator[tuple[str, str]]:
    """Source and reason of everything that is wrong."""
    controller = energy.controller
    view = controller.view
    if energy.node and energy.node.state.state not in WELL:
        yield "energy/kubernetes", energy.node.state.reason
    if energy.throttling and energy.throttling.now and energy.throttling.now.now:
        yield THROTTLED, ", ".join(words(energy.throttling.now.now))
    if energy.battery and energy.battery.state.phase in (BatteryPhase.RESERVE, BatteryPhase.UNAVAILABLE):
        yield SOURCE, energy.battery.state.why
    if view.state in NOT_WELL or (view.state is CapState.STARTING and view.why):
        yield "energy", view.why
    for name, feed in controller.feeds.items():
        known = None if view.situation is None else view.situation.signals.get(name)
        if known is not None and known.freshness is not Freshness.FRESH:
            yield f"energy/{name}", f"{known.freshness.value}: {feed.last_error or 'no newer data'}"


def _throttled(watch: ThrottleWatch | None) -> Document | None:
    if watch is None or watch.now is None:
        return None
    return {"now": words(watch.now.now), "since_boot": words(watch.now.since_boot)}


def _battery(battery: BatteryWatch | None) -> Document | None:
    """Its charge in steps of 1 %."""
    if battery is None:
        return None
    state = battery.state
    return {
        "state": state.phase.value,
        "charge_percent": None if state.charge is None else round(state.charge * 100),
        "runtime_min": None if state.runtime_s is None else round(state.runtime_s / 60),
        "surplus": state.surplus,
    }


def _node(node: NodePublisher | None) -> Document | None:
    if node is None:
        return None
    return {"state": node.state.state.value, "reason": node.state.reason, "node": node.state.node}


def _proposals(decision: Decision | None) -> list[Document]:
    """Without their reasons, whose numbers change all the time."""
    told = () if decision is None else decision.proposals
    return [{"policy": one.policy, "cap_w": None if one.cap_w is None else round(one.cap_w)} for one in told]


def _signal(feed: SignalFeed, situation: Situation | None) -> Document:
    known = None if situation is None else situation.signals.get(feed.source.name)
    point = None if known is None or situation is None else known.at(situation.now_s)
    return {
        "unit": feed.source.unit.value,
        "freshness": None if known is None else known.freshness.value,
        "value": None if point is None else point.value,
        "until": None if point is None else rfc3339_ms(point.end_s * 1000),
        "error": feed.last_error,
    }


def _value(name: str, situation: Situation | None) -> float | None:
    known = None if situation is None else situation.signals.get(name)
    point = None if known is None or situation is None else known.at(situation.now_s)
    return None if point is None else point.value


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
