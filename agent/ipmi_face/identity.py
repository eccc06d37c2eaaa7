# SPDX-License-Identifier: Apache-2.0
"""Who the controller is to an IPMI client: device id and GUID."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ipmi.board import Identity

if TYPE_CHECKING:
    from agent.profile.schema import Profile


def identity(profile: Profile, board_id: str, version: str, host: str) -> Identity:
    """The GUID follows from the board id and the host, so it stays for the life of the board (safety rule 23)."""
    major, minor, *_ = (*map(int, version.split(".")[:2]), 0)
    first = profile.hosts[0].name == host
    guid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{board_id}.pgood" if first else f"{host}.{board_id}.pgood")
    return Identity(
        guid=guid.bytes_le,
        device_id=profile.identity.device_id,
        device_revision=profile.identity.device_revision,
        firmware_major=major,
        firmware_minor=minor,
        manufacturer_id=profile.identity.manufacturer_id,
        product_id=profile.identity.product_id,
        name=board_id if first else f"{board_id}-{host}",
    )
