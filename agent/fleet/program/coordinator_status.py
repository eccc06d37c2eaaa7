# SPDX-License-Identifier: Apache-2.0
"""What a coordinator tells of itself, in plain numbers: for the local socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.fleet.bus import SECOND_NS

if TYPE_CHECKING:
    from agent.fleet.budget.coordinator import Coordinator
    from agent.fleet.budget.emergencies.emergency import Emergency
    from agent.fleet.budget.explain import Why
    from agent.fleet.mqtt_bus import MqttBus

LAST_ENDED = 10
NO_BUDGET: dict[str, Any] = {
    "leads": False,
    "trouble": "",
    "groups": [],
    "alarms": [],
    "emergencies": [],
    "ended": [],
    "refused": {},
}
"""Of a program whose file has no groups."""


def status(coordinator: Coordinator, parent_bus: MqttBus | None) -> dict[str, Any]:
    """Numbers that only a leader knows are None in others."""
    control = coordinator.control if coordinator.leads else None
    now_ns = coordinator.clock()
    groups = [
        {
            "group": name,
            "limit_w": group.limit_w,
            "allowed_w": None if control is None else control.limits_w.get(name, group.limit_w),
            "counted_w": None if control is None else control.ledger.sum_w(name),
            "watts": None if control is None else round(control.groups[name].read_w, 1),
        }
        for name, group in coordinator.tree.groups.items()
    ]
    desk = coordinator.desk
    return {
        "leads": coordinator.leads,
        "trouble": coordinator.trouble,
        "term": None if control is None else control.ledger.term,
        "groups": groups,
        "alarms": [] if control is None else control.alarms(),
        "emergencies": [_running(one, now_ns) for one in desk.running.values()],
        "ended": [_ended(one, now_ns) for one in desk.ended[-LAST_ENDED:]],
        "refused": {refusal.value: count for refusal, count in coordinator.refused.items()},
        "unreached": coordinator.unreached,
        **_of_sites(coordinator, parent_bus, now_ns),
    }


def explanation(why: Why) -> dict[str, Any]:
    return {
        "node": why.node,
        "text": why.text(),
        "rule": why.rule.name.lower().replace("_", "-"),
        "cap_w": why.cap_w,
        "counted_w": why.counted_w,
        "group": why.group,
        "group_w": why.group_w,
        "limit_w": why.limit_w,
        "full_limit_w": why.full_limit_w,
        "taken_by": why.taken_by,
        "watts": why.watts,
        "age_s": _seconds(why.age_ns),
        "told_w": why.told_w,
        "refused": why.refused,
    }


def _running(one: Emergency, now_ns: int) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "group": one.group,
        "share": one.share,
        "critical": one.critical,
        "present": one.cause,
        "since_s": _seconds(now_ns - one.began_ns),
        "ends_unless_told_s": None if one.until_ns is None else _seconds(max(one.until_ns - now_ns, 0)),
        "response_s": _seconds(one.response_ns),
    }


def _ended(one: Emergency, now_ns: int) -> dict[str, Any]:
    ended_ns = now_ns if one.ended_ns is None else one.ended_ns
    return {
        "kind": one.kind.value,
        "group": one.group,
        "lasted_s": _seconds(ended_ns - one.began_ns),
        "ended_s_ago": _seconds(now_ns - ended_ns),
        "response_s": _seconds(one.response_ns),
    }


def _of_sites(coordinator: Coordinator, parent_bus: MqttBus | None, now_ns: int) -> dict[str, Any]:
    """Where there is a parent, or load that may run at any site."""
    found: dict[str, Any] = {}
    parent, placement = coordinator.parent, coordinator.placement
    if parent is not None:
        found["parent"] = {
            "domain": parent.place.domain,
            "site": parent.place.site,
            "limit_w": parent.root_limit_w(now_ns),
            "minimum_w": parent.place.minimum_w,
            "deferred_w": parent.deferred_w(now_ns),
            "broker": None if parent_bus is None else parent_bus.text,
            "refused": {refusal.value: count for refusal, count in parent.refused.items()},
            "unreached": parent.unreached,
        }
    if placement is not None:
        found["deferrable"] = {
            "load_w": placement.wish.load_w,
            "placed_w": placement.placed_w if coordinator.leads else None,
            "waits_w": placement.waits_w if coordinator.leads else None,
        }
    return found


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / SECOND_NS
