# SPDX-License-Identifier: Apache-2.0
"""Which entities a device has, as tables. Names and classes are those that users of Home Assistant look for."""

from __future__ import annotations

from dataclasses import dataclass

from agent.power.request import Action

MEASUREMENT = "measurement"
TOTAL_INCREASING = "total_increasing"
DIAGNOSTIC = "diagnostic"
CONFIG = "config"
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Reading:
    """A number of the telemetry: `field` below the part of the telemetry that belongs to the device."""

    key: str
    name: str
    field: str
    unit: str | None
    device_class: str | None
    precision: int | None = None
    state_class: str | None = MEASUREMENT
    category: str | None = None
    enabled: bool = True
    scale: int = 1
    """The field times this is the state."""


@dataclass(frozen=True, slots=True)
class PressButton:
    key: str
    name: str
    action: Action
    device_class: str | None = None
    enabled: bool = True
    """A button that cuts power or stops the operating system is to be enabled by whoever wants it."""


SET_READINGS = (
    Reading("input_power", "Input power", "pin_w", "W", "power", 1),
    Reading("output_power", "Output power", "pout_w", "W", "power", 1),
    Reading("energy", "Energy", "energy_in_kwh", "kWh", "energy", 2, TOTAL_INCREASING),
    Reading("efficiency", "Efficiency", "efficiency", "%", None, 1, category=DIAGNOSTIC, scale=100),
)
"""Of all supplies together: `supply_set` of the telemetry."""

SUPPLY_READINGS = (
    Reading("input_power", "Input power", "pin_w", "W", "power", 1),
    Reading("output_power", "Output power", "pout_w", "W", "power", 1),
    Reading("energy", "Energy", "energy_in_kwh", "kWh", "energy", 2, TOTAL_INCREASING),
    Reading("input_voltage", "Input voltage", "vin_v", "V", "voltage", 1),
    Reading("input_current", "Input current", "iin_a", "A", "current", 2),
    Reading("output_voltage", "Output voltage", "vout_v", "V", "voltage", 2),
    Reading("output_current", "Output current", "iout_a", "A", "current", 1),
    Reading("temperature", "Temperature", "temperature_c", "°C", "temperature", 1),
    Reading("fan", "Fan", "fan_rpm", "rpm", None, 0),
    Reading("efficiency", "Efficiency", "efficiency", "%", None, 1, category=DIAGNOSTIC, scale=100),
)
"""Of one supply: `supplies['<name>']` of the telemetry."""

HOST_READINGS = (
    Reading("power_on_time", "Power-on time", "power_on_h", "h", "duration", 0, TOTAL_INCREASING, DIAGNOSTIC),
)
"""Of one host: `hosts['<name>']` of the telemetry."""

BOARD_READINGS = (
    Reading("uptime", "Agent uptime", "uptime_s", "s", "duration", 0, category=DIAGNOSTIC, enabled=False),
    Reading("waiting_events", "Waiting events", "mqtt.waiting_events", None, None, 0, category=DIAGNOSTIC),
    Reading("dropped_events", "Lost events", "mqtt.dropped_events", None, None, 0, TOTAL_INCREASING, DIAGNOSTIC),
    Reading("refused", "Refused commands", "mqtt.refused_commands", None, None, 0, TOTAL_INCREASING, DIAGNOSTIC),
    Reading("reconnects", "Broker reconnects", "mqtt.reconnects", None, None, 0, TOTAL_INCREASING, DIAGNOSTIC),
)
"""At the top of the telemetry."""

HOST_BUTTONS = (
    PressButton("soft_off", "Soft off", Action.SOFT_OFF),
    PressButton("reset", "Reset", Action.RESET, "restart"),
    PressButton("cycle", "Power cycle", Action.CYCLE, "restart"),
    PressButton("force_off", "Force off", Action.FORCE_OFF, enabled=False),
    PressButton("nmi", "NMI", Action.NMI, enabled=False),
)
