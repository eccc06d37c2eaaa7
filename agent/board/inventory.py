# SPDX-License-Identifier: Apache-2.0
"""The parts of this board for faces that describe it: its profile, and what the supplies say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events.event import EventKind
from agent.mqtt.inventory import HostItem, Inventory, SensorItem, SupplyItem
from agent.power.adapter_lines import NEEDS
from agent.power.request import Action

if TYPE_CHECKING:
    from agent.board.services import Services
    from agent.profile.schema import HostTable, Profile

POWER_ACTIONS = (Action.ON, Action.SOFT_OFF, Action.FORCE_OFF, Action.CYCLE)
"""What the power button does."""


def inventory(profile: Profile, services: Services, board_id: str, version: str) -> Inventory:
    return Inventory(
        board=board_id,
        version=version,
        manufacturer=profile.board.manufacturer,
        product=profile.board.product,
        part_number=profile.board.part_number,
        hosts=tuple(HostItem(table.name, wired_actions(table)) for table in profile.hosts),
        supplies=tuple(_supply(index, services) for index in range(len(profile.supplies))),
        sensors=tuple(SensorItem(table.name, table.label, table.quantity) for table in profile.sensors),
        zones=tuple(zone.name for zone in profile.zones),
        fans=tuple(fan.name for fan in profile.fans),
        domains=tuple(services.power.graph.domains[name].source for name in services.power.rails),
        cold_redundancy=any(supply.cold_redundancy for supply in profile.supplies),
        event_kinds=tuple(kind.value for kind in EventKind),
        energy=services.energy.item() if services.energy else None,
    )


def wired_actions(table: HostTable) -> frozenset[Action]:
    """What the lines or the adapters of a host allow, armed or not."""
    if table.controls is not None:
        return frozenset(action for action, needs in NEEDS.items() if all(getattr(table.controls, a) for a in needs))
    actions = set(POWER_ACTIONS if table.power_button else ())
    actions |= {Action.RESET} if table.reset_button else set()
    actions |= {Action.NMI} if table.nmi_button else set()
    return frozenset(actions)


def _supply(index: int, services: Services) -> SupplyItem:
    slot = services.supplies.slots[index]
    told = slot.identity
    if told is None:
        return SupplyItem(slot.name)
    return SupplyItem(slot.name, told.mfr_id or "", told.mfr_model or "", told.serial or "", told.revision or "")
