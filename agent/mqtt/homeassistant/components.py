# SPDX-License-Identifier: Apache-2.0
"""Discovery components of each kind of device: the tables of entities joined with this board's topics.

Source of keys and defaults: Home Assistant's MQTT integration (developer documentation, release 2026.11). Templates
use builtins of Jinja only. A reading that is `null` renders as `None`, which Home Assistant takes for *unknown*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.mqtt.homeassistant.energy import energy_components
from agent.mqtt.homeassistant.entities import (
    BOARD_READINGS,
    CONFIG,
    DAY_S,
    DIAGNOSTIC,
    HOST_BUTTONS,
    HOST_READINGS,
    MEASUREMENT,
    SET_READINGS,
    SUPPLY_READINGS,
)
from agent.mqtt.homeassistant.parts import part_components
from agent.power.request import Action, HostState
from agent.profile.thermal_tables import Quantity
from agent.psu.slot import Health
from agent.psu.verdict import RedundancyState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.mqtt.homeassistant.entities import Reading
    from agent.mqtt.homeassistant.naming import Naming
    from agent.mqtt.inventory import HostItem, Inventory, SupplyItem

Component = dict[str, Any]
Components = dict[str, Component]

UNITS: dict[Quantity, str] = {Quantity.TEMPERATURE: "°C", Quantity.HUMIDITY: "%"}
RESTORE_POLICIES = ["off", "previous", "on"]
PERIOD_DAYS = (1, 186)
"""What a supply's rotation period may be (CRPS OEM command)."""


def board_components(inventory: Inventory, naming: Naming) -> Components:
    made: Components = {}
    if inventory.supplies:
        made |= _readings(naming, "board", "value_json.supply_set", SET_READINGS)
    for sensor in inventory.sensors:
        key = f"{sensor.quantity.value}_{sensor.name}"
        made[key] = naming.sensor("board", key, sensor.label) | {
            "state_topic": naming.telemetry,
            "value_template": f"{{{{ value_json.{sensor.quantity.group}['{sensor.name}'] }}}}",
            "device_class": sensor.quantity.value,
            "state_class": MEASUREMENT,
            "unit_of_measurement": UNITS[sensor.quantity],
            "suggested_display_precision": 1,
            "expire_after": naming.expire_after_s,
        }
    made |= part_components(inventory, naming)
    if inventory.energy:
        made |= energy_components(inventory.energy, naming)
    made["event"] = naming.entity("event", "board", "event", "Event") | {
        "state_topic": naming.topic("event"),
        "event_types": list(inventory.event_kinds),
        "value_template": EVENT_TEMPLATE,
    }
    if inventory.supplies:
        made |= _redundancy(inventory, naming)
    made["restore_policy"] = naming.entity("select", "board", "restore_policy", "Power restore policy") | {
        "state_topic": naming.topic("policies/state"),
        "value_template": "{{ value_json.restore }}",
        "command_topic": naming.command("policies/set"),
        "command_template": '{"restore": "{{ value }}"}',
        "options": RESTORE_POLICIES,
        "entity_category": CONFIG,
    }
    made["version"] = naming.sensor("board", "version", "Version") | {
        "state_topic": naming.topic("info"),
        "value_template": "{{ value_json.version }}",
        "entity_category": DIAGNOSTIC,
    }
    made["armed"] = naming.entity("binary_sensor", "board", "armed", "Armed") | {
        "state_topic": naming.topic("info"),
        "value_template": "{{ 'ON' if value_json.armed else 'OFF' }}",
        "entity_category": DIAGNOSTIC,
    }
    return made | _readings(naming, "board", "value_json", BOARD_READINGS)


EVENT_TEMPLATE = (
    "{% if value_json.historical is not defined or not value_json.historical %}"
    "{{ {'event_type': value_json.kind, 'severity': value_json.severity, 'source': value_json.source,"
    " 'message': value_json.message, 'id': value_json.id, 'time': value_json.time} | tojson }}"
    "{% endif %}"
)
"""An event of the past that comes late must not start an automation now."""


def _redundancy(inventory: Inventory, naming: Naming) -> Components:
    state, command = naming.topic("redundancy/state"), naming.command("redundancy/set")
    made: Components = {
        "redundancy": naming.sensor("board", "redundancy", "Redundancy")
        | {
            "state_topic": state,
            "value_template": "{{ value_json.state }}",
            "device_class": "enum",
            "options": [state.name.lower() for state in RedundancyState],
            "json_attributes_topic": state,
        },
        "redundancy_problem": naming.entity("binary_sensor", "board", "redundancy_problem", "Redundancy problem")
        | {
            "state_topic": state,
            "value_template": "{{ None if value_json.state is none else"
            " 'OFF' if value_json.state == 'full' and not value_json.wiring else 'ON' }}",
            "device_class": "problem",
        },
    }
    if not inventory.cold_redundancy:
        return made
    return made | {
        "cold_redundancy": naming.entity("switch", "board", "cold_redundancy", "Cold redundancy")
        | {
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.enabled else 'OFF' }}",
            "command_topic": command,
            "entity_category": CONFIG,
        },
        "rotation": naming.entity("switch", "board", "rotation", "Rotation")
        | {
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.rotation else 'OFF' }}",
            "state_on": "ON",
            "state_off": "OFF",
            "command_topic": command,
            "payload_on": '{"rotation": true}',
            "payload_off": '{"rotation": false}',
            "entity_category": CONFIG,
        },
        "rotation_period": naming.entity("number", "board", "rotation_period", "Rotation period")
        | {
            "state_topic": state,
            "value_template": f"{{{{ (value_json.period_s / {DAY_S}) | round(2) }}}}",
            "command_topic": command,
            "command_template": f'{{"period_s": {{{{ (value * {DAY_S}) | round | int }}}}}}',
            "min": PERIOD_DAYS[0],
            "max": PERIOD_DAYS[1],
            "step": 1,
            "mode": "box",
            "device_class": "duration",
            "unit_of_measurement": "d",
            "entity_category": CONFIG,
        },
    }


def host_components(host: HostItem, naming: Naming) -> Components:
    device, state = f"host_{host.name}", naming.topic(f"host/{host.name}/state")
    command = naming.command(f"host/{host.name}/set")
    made: Components = {}
    powered = "{{ None if value_json.state == 'unknown' else 'ON' if value_json.powered else 'OFF' }}"
    if Action.ON in host.actions:
        made["power"] = naming.entity("switch", device, "power", None) | {
            "state_topic": state,
            "value_template": powered,
            "command_topic": command,
            "device_class": "switch",
            "icon": "mdi:power",
        }
    else:
        made["power"] = naming.entity("binary_sensor", device, "power", None) | {
            "state_topic": state,
            "value_template": powered,
            "device_class": "power",
        }
    for button in HOST_BUTTONS:
        if button.action in host.actions:
            made[button.key] = naming.entity("button", device, button.key, button.name) | {
                "command_topic": command,
                "payload_press": button.action.value.replace("-", "_").upper(),
            }
            if button.device_class:
                made[button.key]["device_class"] = button.device_class
            if not button.enabled:
                made[button.key]["enabled_by_default"] = False
    made["state"] = naming.sensor(device, "state", "State") | {
        "state_topic": state,
        "value_template": "{{ value_json.state }}",
        "device_class": "enum",
        "options": [state.value for state in HostState],
        "json_attributes_topic": state,
    }
    made["problem"] = naming.entity("binary_sensor", device, "problem", "Problem") | {
        "state_topic": state,
        "value_template": "{{ 'ON' if value_json.state == 'fault' else 'OFF' }}",
        "device_class": "problem",
    }
    return made | _readings(naming, device, f"value_json.hosts['{host.name}']", HOST_READINGS)


def supply_components(index: int, supply: SupplyItem, inventory: Inventory, naming: Naming) -> Components:
    device, state = f"psu_{supply.name}", naming.topic(f"psu/{supply.name}/state")
    made: Components = {
        "problem": naming.entity("binary_sensor", device, "problem", "Problem")
        | {
            "state_topic": state,
            "value_template": "{{ None if value_json.health in ['unknown', 'unavailable'] else"
            " 'OFF' if value_json.health == 'ok' and not value_json.warnings else 'ON' }}",
            "device_class": "problem",
        },
        "health": naming.sensor(device, "health", "Health")
        | {
            "state_topic": state,
            "value_template": "{{ value_json.health }}",
            "device_class": "enum",
            "options": [health.value for health in Health],
            "json_attributes_topic": state,
        },
        "running_time": naming.sensor(device, "running_time", "Running time")
        | {
            "state_topic": state,
            "value_template": "{{ value_json.running_h }}",
            "device_class": "duration",
            "unit_of_measurement": "h",
            "state_class": MEASUREMENT,  # of the supply in the slot, which may be changed for a younger one
            "entity_category": DIAGNOSTIC,
        },
    }
    if inventory.cold_redundancy:
        made["rank"] = naming.entity("number", device, "rank", "Rank") | {
            "state_topic": naming.topic("redundancy/state"),
            "value_template": f"{{{{ value_json.ranks[{index}] }}}}",
            "command_topic": naming.command(f"psu/{supply.name}/set"),
            "command_template": '{"rank": {{ value | int }}}',
            "min": 0,
            "max": len(inventory.supplies),
            "step": 1,
            "mode": "box",
            "entity_category": CONFIG,
        }
    readings = _readings(naming, device, f"value_json.supplies['{supply.name}']", SUPPLY_READINGS)
    for component in readings.values():
        component["availability"] = [*naming.availability, naming.present(supply.name)]
    return made | readings


def _readings(naming: Naming, device: str, part: str, readings: Iterable[Reading]) -> Components:
    made: Components = {}
    for reading in readings:
        value = f"{part}.{reading.field}"
        template = f"{{{{ {value} }}}}"
        if reading.scale != 1:
            template = f"{{{{ None if {value} is none else ({value} * {reading.scale}) | round(1) }}}}"
        optional = {
            "device_class": reading.device_class,
            "state_class": reading.state_class,
            "unit_of_measurement": reading.unit,
            "suggested_display_precision": reading.precision,
            "entity_category": reading.category,
            "enabled_by_default": None if reading.enabled else False,
        }
        made[reading.key] = naming.sensor(device, reading.key, reading.name) | {
            "state_topic": naming.telemetry,
            "value_template": template,
            "expire_after": naming.expire_after_s,
            **{key: value for key, value in optional.items() if value is not None},
        }
    return made
