# SPDX-License-Identifier: Apache-2.0
"""Who the controller is to an IPMI client: device id, GUID, inventory."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ipmi.board import BoardInfo, ChassisInfo, FruContent, Identity, ProductInfo

if TYPE_CHECKING:
    from agent.profile.schema import Profile


def identity(profile: Profile, board_id: str, version: str) -> Identity:
    """The GUID follows from the board id, so it stays for the life of the board (safety rule 23)."""
    major, minor, *_ = (*map(int, version.split(".")[:2]), 0)
    guid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{board_id}.pgood")
    return Identity(
        guid=guid.bytes_le,
        device_id=profile.identity.device_id,
        device_revision=profile.identity.device_revision,
        firmware_major=major,
        firmware_minor=minor,
        manufacturer_id=profile.identity.manufacturer_id,
        product_id=profile.identity.product_id,
        name=board_id,
    )


class BoardInventory:
    """Implements ipmi.board.Inventory."""

    def __init__(self, profile: Profile, board_id: str, version: str) -> None:
        board = profile.board
        self._content = FruContent(
            ChassisInfo(part_number=board.part_number, serial=board_id),
            BoardInfo(board.manufacturer, board.product, serial=board_id, part_number=board.part_number),
            ProductInfo(board.manufacturer, board.product, board.part_number, version, serial=board_id),
        )

    def fru(self, fru_id: int) -> FruContent | None:
        return self._content if fru_id == 0 else None
