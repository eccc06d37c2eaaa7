# SPDX-License-Identifier: Apache-2.0
"""Inventories: the board's own from the profile, and what each supply says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.psu.slot import Presence
from ipmi.board import BoardInfo, ChassisInfo, FruContent, FruDevice, ProductInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.profile.schema import Profile
    from agent.psu.monitor import SupplyMonitor
    from agent.store.settings import Settings

ENTITY_POWER_SUPPLY = 10
NO_TAG = "not set"
"""Of the asset tag: ipmitool can edit a field only where there is one."""
FIRST_SUPPLY = 1
"""FRU 0 is the board."""


class BoardInventory:
    """Implements ipmi.board.Inventory."""

    def __init__(
        self, profile: Profile, board_id: str, version: str, supplies: SupplyMonitor, settings: Settings
    ) -> None:
        board = profile.board
        self._supplies = supplies
        self._settings = settings
        self._content = FruContent(
            ChassisInfo(part_number=board.part_number, serial=board_id),
            BoardInfo(board.manufacturer, board.product, serial=board_id, part_number=board.part_number),
            ProductInfo(board.manufacturer, board.product, board.part_number, version, board_id, NO_TAG),
        )
        self._devices = tuple(
            FruDevice(index, f"PSU{table.name} FRU"[:16], ENTITY_POWER_SUPPLY, index)
            for index, table in enumerate(supplies.tables, start=FIRST_SUPPLY)
        )

    def fru(self, fru_id: int) -> FruContent | None:
        if fru_id == 0:
            return self._content
        index = fru_id - FIRST_SUPPLY
        if not 0 <= index < len(self._supplies.slots):
            return None
        slot = self._supplies.slots[index]
        if slot.presence is not Presence.PRESENT or slot.identity is None:
            return None
        identity = slot.identity
        return FruContent(
            ChassisInfo(),
            BoardInfo(),
            ProductInfo(identity.mfr_id, identity.mfr_model, identity.mfr_model, "", identity.serial),
        )

    def devices(self) -> Sequence[FruDevice]:
        return self._devices

    def written(self, fru_id: int) -> bytes | None:
        stored = self._settings.get(f"fru.{fru_id}")
        return None if stored is None else bytes.fromhex(stored)

    async def write(self, fru_id: int, image: bytes) -> bool:
        """Only the board's own: a supply has its own memory. Raises StoreError."""
        if fru_id != 0:
            return False
        await self._settings.put({f"fru.{fru_id}": image.hex()})
        return True
