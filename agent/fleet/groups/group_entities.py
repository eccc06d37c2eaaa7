# SPDX-License-Identifier: Apache-2.0
"""How Home Assistant is told of the groups of a budget: one device for each, made of its state topic. Pure.

Source of keys: Home Assistant's MQTT integration, device discovery. At the root, in `device` and in `origin` it refuses
the whole payload for one unknown key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.fleet.budget.topics import group_topic
from agent.fleet.bus import SECOND_NS
from agent.fleet.groups.group_states import HEARTBEAT_NS

if TYPE_CHECKING:
    from agent.fleet.budget.tree import BudgetTree, Group

EXPIRE_AFTER_S = 3 * HEARTBEAT_NS // SECOND_NS
"""Without a leading coordinator the entities become unavailable."""
POWER = {"device_class": "power", "state_class": "measurement", "unit_of_measurement": "W"}
DIAGNOSTIC = {"entity_category": "diagnostic"}


@dataclass(frozen=True, slots=True)
class Entity:
    """One component; `template` is over the group's state."""

    key: str
    platform: str
    name: str
    template: str
    more: dict[str, Any]


ENTITIES = (
    Entity("watts", "sensor", "Power", "{{ value_json.watts }}", {**POWER, "suggested_display_precision": 0}),
    Entity("counted", "sensor", "Power counted", "{{ value_json.counted_w }}", {**POWER, **DIAGNOSTIC}),
    Entity("allowed", "sensor", "Power limit", "{{ value_json.allowed_w }}", {**POWER, **DIAGNOSTIC}),
    Entity("silent", "sensor", "Silent nodes", "{{ value_json.silent }}", {"state_class": "measurement", **DIAGNOSTIC}),
    Entity(
        "band",
        "sensor",
        "Band",
        "{{ value_json.band }}",
        {"device_class": "enum", "options": ["cut", "hold", "release"], **DIAGNOSTIC},
    ),
    Entity(
        "problem",
        "binary_sensor",
        "Problem",
        "{{ 'ON' if value_json.problem else 'OFF' }}",
        {"device_class": "problem"},
    ),
    Entity(
        "emergency",
        "binary_sensor",
        "Emergency",
        "{{ 'ON' if value_json.emergencies else 'OFF' }}",
        {"device_class": "problem"},
    ),
)


def config_topic(prefix: str, domain: str, group: str) -> str:
    """Where a group is announced; `+` for the group gives the pattern of all."""
    return f"{prefix}/device/pgood-fleet-{domain}/{group}/config"


def announced_group(prefix: str, domain: str, topic: str) -> str:
    """The group that a discovery topic of this domain is about; empty if it is another topic."""
    before, after = config_topic(prefix, domain, "\n").split("\n")
    inside = topic.removeprefix(before).removesuffix(after)
    return inside if topic == config_topic(prefix, domain, inside) and "/" not in inside else ""


def announcements(tree: BudgetTree, domain: str, prefix: str, version: str) -> dict[str, dict[str, Any]]:
    """The discovery payload of each group, by topic."""
    return {config_topic(prefix, domain, name): _device(group, domain, version) for name, group in tree.groups.items()}


def _device(group: Group, domain: str, version: str) -> dict[str, Any]:
    identifier = f"pgood_fleet_{domain}_{group.name}"
    device: dict[str, Any] = {
        "identifiers": [identifier],
        "name": f"{domain} {group.kind} {group.name}",
        "model": f"power budget of a {group.kind}",
        "sw_version": f"pgood {version}",
    }
    if group.parent is not None:
        device["via_device"] = f"pgood_fleet_{domain}_{group.parent}"
    return {
        "device": device,
        "origin": {"name": "pgood", "sw_version": version},
        "qos": 1,
        "components": {one.key: _component(one, identifier, group_topic(domain, group.name)) for one in ENTITIES},
    }


def _component(entity: Entity, identifier: str, topic: str) -> dict[str, Any]:
    slug = re.sub(r"[^a-z0-9]+", "_", f"{identifier}_{entity.key}".lower())
    return {
        "platform": entity.platform,
        "unique_id": f"{identifier}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{slug}",
        "name": entity.name,
        "state_topic": topic,
        "value_template": entity.template,
        "expire_after": EXPIRE_AFTER_S,
        **entity.more,
    }
