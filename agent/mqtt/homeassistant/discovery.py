# SPDX-License-Identifier: Apache-2.0
"""The discovery payloads of a board: one device each for the board, its hosts and its supplies. Pure.

At the root, in `device` and in `origin` Home Assistant refuses the whole payload for one unknown key: nothing goes
there that an older release does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.mqtt.homeassistant.components import board_components, host_components, supply_components

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.mqtt.homeassistant.components import Components
    from agent.mqtt.homeassistant.naming import Naming
    from agent.mqtt.inventory import Inventory, SupplyItem

ORIGIN_NAME = "pgood"

Payload = dict[str, Any]


def discovery(inventory: Inventory, naming: Naming) -> dict[str, Payload]:
    """Every device's payload by its topic, the board first: others name it as what they hang from."""
    made = {
        naming.config("board"): _device(
            inventory, naming, _board(inventory, naming), board_components(inventory, naming)
        )
    }
    for host in inventory.hosts:
        name = f"host_{host.name}"
        device = _part(inventory, naming, name, f"host {host.name}")
        made[naming.config(name)] = _device(inventory, naming, device, host_components(host, naming))
    for index, supply in enumerate(inventory.supplies):
        name = f"psu_{supply.name}"
        device = _part(inventory, naming, name, f"PSU {supply.name}") | _identity(supply)
        made[naming.config(name)] = _device(
            inventory, naming, device, supply_components(index, supply, inventory, naming)
        )
    return made


def with_removed(payload: Payload, known: Mapping[str, str]) -> Payload:
    """The payload with a mark for each component that was announced once and is no more: `{"platform": ...}` alone."""
    components = payload["components"]
    gone = {key: {"platform": platform} for key, platform in known.items() if key not in components}
    return payload | {"components": {**components, **gone}} if gone else payload


def platforms(payload: Payload) -> dict[str, str]:
    return {key: str(component["platform"]) for key, component in payload["components"].items()}


def _board(inventory: Inventory, naming: Naming) -> Payload:
    device = {
        "identifiers": [naming.identifier("board")],
        "name": inventory.board,
        "manufacturer": inventory.manufacturer,
        "model": inventory.product,
        "sw_version": f"pgood {inventory.version}",
    }
    return device | ({"model_id": inventory.part_number} if inventory.part_number else {})


def _part(inventory: Inventory, naming: Naming, device: str, what: str) -> Payload:
    return {
        "identifiers": [naming.identifier(device)],
        "name": f"{inventory.board} {what}",
        "via_device": naming.identifier("board"),
    }


def _identity(supply: SupplyItem) -> Payload:
    told = {
        "manufacturer": supply.manufacturer,
        "model": supply.model,
        "serial_number": supply.serial,
        "hw_version": supply.revision,
    }
    return {key: value for key, value in told.items() if value}


def _device(inventory: Inventory, naming: Naming, device: Payload, components: Components) -> Payload:
    return {
        "device": device,
        "origin": {"name": ORIGIN_NAME, "sw_version": inventory.version},
        "availability": naming.availability,
        "availability_mode": "all",
        "qos": 1,
        "components": components,
    }
