# SPDX-License-Identifier: Apache-2.0
"""How a board's devices, entities and topics are called towards Home Assistant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from agent.mqtt import topics


@dataclass(frozen=True, slots=True)
class Naming:
    """Of one board. `role` is that on whose topics Home Assistant commands; empty = the plain ones."""

    base: str
    board: str
    prefix: str
    expire_after_s: int
    """A reading that is older is unavailable."""
    role: str = ""

    def topic(self, below: str) -> str:
        return f"{self.base}/{below}"

    def command(self, below: str) -> str:
        return f"{self.base}/{topics.as_role(self.role, below)}"

    @property
    def telemetry(self) -> str:
        return self.topic(topics.TELEMETRY)

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    def config(self, device: str) -> str:
        """The discovery topic of a device."""
        return f"{self.prefix}/device/pgood-{self.board}/{device}/config"

    def identifier(self, device: str) -> str:
        return f"pgood_{self.board}" if device == "board" else f"pgood_{self.board}_{device}"

    @property
    def availability(self) -> list[dict[str, str]]:
        return [{"topic": self.topic(topics.STATUS)}]

    def present(self, supply: str) -> dict[str, str]:
        """Available while the supply is there and answers."""
        return {
            "topic": self.topic(f"psu/{supply}/state"),
            "value_template": "{{ 'online' if value_json.presence == 'present' else 'offline' }}",
        }

    def entity(self, platform: str, device: str, key: str, name: str | None) -> dict[str, Any]:
        """What every component begins with; `name` None = the main feature of its device."""
        return {
            "platform": platform,
            "unique_id": f"{self.identifier(device)}_{key}",
            "default_entity_id": f"{platform}.{_slug(self.board, '' if device == 'board' else device, key)}",
            "name": name,
        }

    def sensor(self, device: str, key: str, name: str) -> dict[str, Any]:
        return self.entity("sensor", device, key, name)


def _slug(*parts: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", "_".join(part for part in parts if part).lower()).strip("_")
