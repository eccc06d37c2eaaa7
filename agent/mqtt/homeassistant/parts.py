# SPDX-License-Identifier: Apache-2.0
"""Discovery components of what a board has beside hosts and supplies: thermal zones, fans, power domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.mqtt.homeassistant.entities import DIAGNOSTIC, MEASUREMENT
from agent.power.request import HostState
from agent.thermal.zone import ZoneState

if TYPE_CHECKING:
    from agent.mqtt.homeassistant.naming import Naming
    from agent.mqtt.inventory import Inventory

Components = dict[str, dict[str, Any]]


def part_components(inventory: Inventory, naming: Naming) -> Components:
    """All of them are entities of the board's device."""
    made: Components = {}
    for zone in inventory.zones:
        made |= _zone(zone, naming)
    for fan in inventory.fans:
        made |= _fan(fan, naming)
    for source in inventory.domains:
        made |= _domain(source, naming)
    return made


def _zone(zone: str, naming: Naming) -> Components:
    state = naming.topic(f"thermal/{zone}/state")
    return {
        f"zone_state_{zone}": naming.sensor("board", f"zone_state_{zone}", f"Zone {zone}")
        | {
            "state_topic": state,
            "value_template": "{{ value_json.state }}",
            "device_class": "enum",
            "options": [known.value for known in ZoneState],
            "json_attributes_topic": state,
        },
        f"zone_problem_{zone}": naming.entity("binary_sensor", "board", f"zone_problem_{zone}", f"Zone {zone} problem")
        | {
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.fail_safe or value_json.state in ['passive', 'hot', 'critical']"
            " else 'OFF' }}",
            "device_class": "problem",
        },
    }


def _fan(fan: str, naming: Naming) -> Components:
    part = f"value_json.fans['{fan}']"
    common = {
        "state_topic": naming.telemetry,
        "state_class": MEASUREMENT,
        "expire_after": naming.expire_after_s,
        "suggested_display_precision": 0,
    }
    return {
        f"fan_speed_{fan}": naming.sensor("board", f"fan_speed_{fan}", f"Fan {fan}")
        | common
        | {"value_template": f"{{{{ {part}.rpm }}}}", "unit_of_measurement": "rpm"},
        f"fan_duty_{fan}": naming.sensor("board", f"fan_duty_{fan}", f"Fan {fan} duty")
        | common
        | {
            "value_template": f"{{{{ {part}.duty_percent }}}}",
            "unit_of_measurement": "%",
            "entity_category": DIAGNOSTIC,
        },
    }


def _domain(source: str, naming: Naming) -> Components:
    """`source` as in `chassis/main`."""
    state, name = naming.topic(f"{source}/state"), source.partition("/")[2]
    return {
        f"domain_{name}": naming.sensor("board", f"domain_{name}", f"Domain {name}")
        | {
            "state_topic": state,
            "value_template": "{{ value_json.state }}",
            "device_class": "enum",
            "options": [known.value for known in HostState],
            "json_attributes_topic": state,
        }
    }
