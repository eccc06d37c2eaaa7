# SPDX-License-Identifier: Apache-2.0
"""Who the controller is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this controller is (Get Device ID and the GUIDs)."""

    guid: bytes
    """16 bytes in wire order, constant over the life of the board."""
    device_id: int
    device_revision: int
    firmware_major: int
    firmware_minor: int
    manufacturer_id: int
    product_id: int
    name: str
