# SPDX-License-Identifier: Apache-2.0
"""Discovery components of the energy controller: cap, powers, energy, and one per signal. All are the board's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.mqtt.homeassistant.entities import MEASUREMENT, TOTAL_INCREASING, Reading

if TYPE_CHECKING:
    from agent.mqtt.homeassistant.naming import Naming
    from agent.mqtt.inventory import EnergyItem

Components = dict[str, dict[str, Any]]

ENERGY_READINGS = (
    Reading("power_cap", "Power cap", "cap_w", "W", "power", 0),
    Reading("node_power", "Machine power", "node_w", "W", "power", 1),
    Reading("cpu_power", "Processor power", "cpu_w", "W", "power", 1),
    Reading("node_energy_today", "Machine energy today", "node_today_kwh", "kWh", "energy", 3, TOTAL_INCREASING),
    Reading("cpu_energy_today", "Processor energy today", "cpu_today_kwh", "kWh", "energy", 3, TOTAL_INCREASING),
)
"""`energy` of the telemetry."""


def energy_components(energy: EnergyItem, naming: Naming) -> Components:
    state = naming.topic("energy/state")
    made: Components = {
        "cap_policy": naming.sensor("board", "cap_policy", "Cap policy")
        | {
            "state_topic": state,
            "value_template": "{{ value_json.policy }}",
            "json_attributes_topic": state,
        },
        "cap_problem": naming.entity("binary_sensor", "board", "cap_problem", "Power cap problem")
        | {
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.state in ['failing', 'yielding'] else 'OFF' }}",
            "device_class": "problem",
        },
    }
    for reading in ENERGY_READINGS:
        made[reading.key] = naming.sensor("board", reading.key, reading.name) | {
            "state_topic": naming.telemetry,
            "value_template": f"{{{{ value_json.energy.{reading.field} }}}}",
            "device_class": reading.device_class,
            "state_class": reading.state_class,
            "unit_of_measurement": reading.unit,
            "suggested_display_precision": reading.precision,
            "expire_after": naming.expire_after_s,
        }
    for name, unit in energy.signals:
        key = f"signal_{name}"
        made[key] = naming.sensor("board", key, f"Signal {name}") | {
            "state_topic": naming.telemetry,
            "value_template": f"{{{{ value_json.energy.signals['{name}'] }}}}",
            "state_class": MEASUREMENT,
            "unit_of_measurement": unit,
            "expire_after": naming.expire_after_s,
        }
    return made
