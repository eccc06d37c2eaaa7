# SPDX-License-Identifier: Apache-2.0
"""What Home Assistant accepts as a discovery payload, as literal tables (its MQTT integration, release 2026.11).

At the root, in `device` and in `origin` one unknown key costs the whole payload. Inside a component it is dropped in
silence, which for us is an error as well: the entity would not do what was meant.
"""

from __future__ import annotations

import re
from typing import Any

TOPIC = re.compile(r"(?P<prefix>.+)/device/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config")

ROOT = {
    "device", "origin", "components",
    "availability", "availability_topic", "availability_mode", "availability_template",
    "payload_available", "payload_not_available",
    "command_topic", "state_topic", "encoding", "qos",
}  # fmt: skip
"""`child_devices` and `message_expiry_interval` are newer: an older release would show nothing."""
DEVICE = {
    "identifiers", "connections", "name", "manufacturer", "model", "model_id", "hw_version", "sw_version",
    "serial_number", "suggested_area", "configuration_url", "via_device",
}  # fmt: skip
ORIGIN = {"name", "sw_version", "support_url"}
AVAILABILITY = {"topic", "payload_available", "payload_not_available", "value_template"}

EVERY_ENTITY = {
    "platform", "unique_id", "default_entity_id", "name", "icon", "entity_category", "enabled_by_default",
    "availability", "availability_mode", "json_attributes_topic", "json_attributes_template", "qos", "encoding",
}  # fmt: skip
REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "switch": {"command_topic"},
    "button": {"command_topic"},
    "select": {"command_topic", "options"},
    "number": {"command_topic"},
    "event": {"state_topic", "event_types"},
}
OPTIONAL = {
    "sensor": {
        "value_template", "device_class", "state_class", "unit_of_measurement", "expire_after", "options",
        "suggested_display_precision", "force_update", "last_reset_value_template",
    },
    "binary_sensor": {
        "value_template", "device_class", "payload_on", "payload_off", "off_delay", "expire_after", "force_update",
    },
    "switch": {
        "state_topic", "value_template", "device_class", "payload_on", "payload_off", "state_on", "state_off",
        "optimistic", "retain", "command_template",
    },
    "button": {"payload_press", "device_class", "command_template", "retain"},
    "select": {"state_topic", "value_template", "command_template", "optimistic", "retain"},
    "number": {
        "state_topic", "value_template", "command_template", "min", "max", "step", "mode", "device_class",
        "unit_of_measurement", "payload_reset", "optimistic", "retain",
    },
    "event": {"value_template", "device_class"},
}  # fmt: skip
CLASSES = {
    "sensor": {"power", "energy", "voltage", "current", "temperature", "humidity", "duration", "enum", "timestamp"},
    "binary_sensor": {"problem", "power", "connectivity"},
    "switch": {"switch", "outlet"},
    "button": {"restart", "identify", "update"},
    "number": {"duration"},
    "event": {"button", "doorbell", "motion"},
    "select": set(),
}
"""Those that are used here or may well be."""
UNITS = {
    "power": {"W", "kW"},
    "energy": {"Wh", "kWh"},
    "voltage": {"V", "mV"},
    "current": {"A", "mA"},
    "temperature": {"°C", "°F", "K"},
    "humidity": {"%"},
    "duration": {"d", "h", "min", "s", "ms"},
}
STATE_CLASSES = {
    "power": {"measurement"},
    "energy": {"total", "total_increasing"},
    "voltage": {"measurement"},
    "current": {"measurement"},
    "temperature": {"measurement"},
    "humidity": {"measurement"},
    "duration": {"measurement", "total", "total_increasing"},
}
CATEGORIES = {
    "sensor": {"diagnostic"},
    "binary_sensor": {"diagnostic"},
    "switch": {"config", "diagnostic"},
    "button": {"config", "diagnostic"},
    "select": {"config", "diagnostic"},
    "number": {"config", "diagnostic"},
    "event": {"config", "diagnostic"},
}
"""`config` is for what can be written: Home Assistant refuses it for sensors."""


def problems(topic: str, payload: dict[str, Any]) -> list[str]:
    """Everything that Home Assistant would not take, or not as meant."""
    found = []
    if not TOPIC.fullmatch(topic):
        found.append(f"illegal topic {topic}")
    found += [f"root: unknown key {key}" for key in payload.keys() - ROOT]
    found += [f"root: no {key}" for key in {"device", "origin", "components"} - payload.keys()]
    found += _device(payload.get("device", {})) + _origin(payload.get("origin", {})) + _availability(payload, "root")
    for key, component in payload.get("components", {}).items():
        found += [f"{key}: {problem}" for problem in _component(component)]
    unique = [c.get("unique_id") for c in payload.get("components", {}).values() if len(c) > 1]
    found += ["unique_id used twice"] if len(set(unique)) != len(unique) else []
    return found


def _device(device: dict[str, Any]) -> list[str]:
    found = [f"device: unknown key {key}" for key in device.keys() - DEVICE]
    if not device.get("identifiers") and not device.get("connections"):
        found.append("device: neither identifiers nor connections")
    found += [f"device: {key} is no text" for key in device.keys() - {"identifiers", "connections"}
              if not isinstance(device[key], str)]  # fmt: skip
    return found


def _origin(origin: dict[str, Any]) -> list[str]:
    return [f"origin: unknown key {key}" for key in origin.keys() - ORIGIN] + ([] if "name" in origin else ["no name"])


def _availability(config: dict[str, Any], where: str) -> list[str]:
    found = []
    if "availability" in config and "availability_topic" in config:
        found.append(f"{where}: availability and availability_topic exclude each other")
    if config.get("availability_mode", "latest") not in ("all", "any", "latest"):
        found.append(f"{where}: availability_mode")
    for entry in config.get("availability", []):
        found += [f"{where}: availability: unknown key {key}" for key in entry.keys() - AVAILABILITY]
        found += [] if "topic" in entry else [f"{where}: availability without a topic"]
    return found


def _component(component: dict[str, Any]) -> list[str]:
    platform = component.get("platform")
    if platform not in REQUIRED:
        return [f"platform {platform}"]
    if component.keys() == {"platform"}:
        return []  # its removal
    found = [f"no {key}" for key in (REQUIRED[platform] | {"unique_id"}) - component.keys()]
    allowed = EVERY_ENTITY | REQUIRED[platform] | OPTIONAL[platform]
    found += [f"unknown key {key}" for key in component.keys() - allowed]
    found += _availability(component, str(platform))
    kind = component.get("device_class")
    if kind is not None and kind not in CLASSES[platform]:
        found.append(f"device_class {kind}")
    category = component.get("entity_category")
    if category is not None and category not in CATEGORIES[platform]:
        found.append(f"entity_category {category}")
    entity_id = component.get("default_entity_id", f"{platform}.x")
    if not re.fullmatch(rf"{platform}\.[a-z0-9]+(_[a-z0-9]+)*", entity_id):
        found.append(f"default_entity_id {entity_id}")
    found += _numbers(component) if platform == "number" else []
    return found + (_sensor(component) if platform == "sensor" else [])


def _sensor(component: dict[str, Any]) -> list[str]:
    kind, unit, state_class = (component.get(k) for k in ("device_class", "unit_of_measurement", "state_class"))
    found = []
    if kind == "enum" and ("state_class" in component or "unit_of_measurement" in component):
        found.append("an enum has no state class and no unit")
    if (kind == "enum") != ("options" in component):
        found.append("options belong to an enum")
    if kind in UNITS and unit not in UNITS[kind]:
        found.append(f"{kind} in {unit}")
    if kind in STATE_CLASSES and state_class is not None and state_class not in STATE_CLASSES[kind]:
        found.append(f"{kind} as {state_class}")
    if "expire_after" in component and not (
        isinstance(component["expire_after"], int) and component["expire_after"] > 0
    ):
        found.append("expire_after is a positive number of seconds")
    return found


def _numbers(component: dict[str, Any]) -> list[str]:
    good = component.get("min", 1) < component.get("max", 100) and component.get("step", 1) >= 0.001
    return [] if good and component.get("mode", "auto") in ("auto", "box", "slider") else ["min, max, step or mode"]
