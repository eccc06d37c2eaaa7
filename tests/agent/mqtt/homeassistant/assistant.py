# SPDX-License-Identifier: Apache-2.0
"""A Home Assistant for tests: hears discovery, evaluates templates with real Jinja, presses and switches entities."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tests.agent.mqtt.brokers import HOST, PATIENCE_S, Watcher

JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


def rendered(template: str, payload: bytes) -> str:
    """What Home Assistant makes of a payload. Raises jinja2.UndefinedError for what the payload lacks."""
    text = payload.decode()
    try:
        return JINJA.from_string(template).render(value=text, value_json=json.loads(text))
    except json.JSONDecodeError:
        return JINJA.from_string(template).render(value=text)


@dataclass(frozen=True)
class Entity:
    """One component of a device payload."""

    device: dict[str, Any]
    key: str
    config: dict[str, Any]


class Assistant:
    """Subscribed to everything, as Home Assistant is to what it was told of."""

    def __init__(self, port: int, prefix: str = "homeassistant") -> None:
        self._port = port
        self._prefix = prefix
        self.watcher = Watcher(port, "assistant", "#")

    def close(self) -> None:
        self.watcher.close()

    def payloads(self) -> dict[str, dict[str, Any]]:
        """Discovery payloads by topic, the newest of each; cleared ones are left out."""
        newest = {seen.topic: seen.payload for seen in self.watcher.seen if self._is_config(seen.topic)}
        return {topic: json.loads(payload) for topic, payload in newest.items() if payload}

    def cleared(self) -> list[str]:
        return [seen.topic for seen in self.watcher.seen if self._is_config(seen.topic) and not seen.payload]

    def entities(self) -> list[Entity]:
        return [
            Entity(payload["device"], key, component)
            for payload in self.payloads().values()
            for key, component in payload["components"].items()
            if len(component) > 1
        ]

    def entity(self, device: str, key: str) -> Entity:
        """By the end of a device's identifier (`host_0`, `psu_1`, else `board`) and component. LookupError if none."""
        for one in self.entities():
            if one.key == key and _is(one.device, device):
                return one
        raise LookupError(f"no {key} of {device} was announced")

    def newest(self, topic: str) -> bytes | None:
        return next((seen.payload for seen in reversed(self.watcher.seen) if seen.topic == topic), None)

    def state(self, entity: Entity) -> str | None:
        """As Home Assistant would show it; None while nothing came."""
        payload = self.newest(entity.config["state_topic"])
        return None if payload is None else rendered(entity.config.get("value_template", "{{ value }}"), payload)

    def available(self, entity: Entity) -> bool:
        """By the availability list of the entity, else of its device, in mode `all`."""
        root = next(p for p in self.payloads().values() if p["device"]["identifiers"] == entity.device["identifiers"])
        for entry in entity.config.get("availability", root["availability"]):
            payload = self.newest(entry["topic"])
            if payload is None or rendered(entry.get("value_template", "{{ value }}"), payload) != "online":
                return False
        return True

    def send(self, entity: Entity, value: object = None) -> None:
        """Press a button, or set a switch (True, False), a number or a select."""
        config = entity.config
        match config["platform"]:
            case "button":
                payload = config.get("payload_press", "PRESS")
            case "switch":
                payload = config.get("payload_on", "ON") if value else config.get("payload_off", "OFF")
            case _:
                payload = JINJA.from_string(config["command_template"]).render(value=value)
        self.publish(config["command_topic"], payload)

    def birth(self, word: str = "online") -> None:
        self.publish(f"{self._prefix}/status", word)

    def publish(self, topic: str, payload: str) -> None:
        command = ["mosquitto_pub", "-h", HOST, "-p", str(self._port), "-t", topic, "-m", payload]
        subprocess.run(command, check=True, timeout=PATIENCE_S)

    def until(self, holds: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"never came: {what}"
            time.sleep(0.05)

    def _is_config(self, topic: str) -> bool:
        return topic.startswith(f"{self._prefix}/device/") and topic.endswith("/config")


def _is(device: dict[str, Any], name: str) -> bool:
    return "via_device" not in device if name == "board" else str(device["identifiers"][0]).endswith(f"_{name}")
