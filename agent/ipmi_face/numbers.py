# SPDX-License-Identifier: Apache-2.0
"""Sensor numbers of the board, one table for the SDR repository and the SEL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipmi.records.linear import fit

if TYPE_CHECKING:
    from agent.profile.schema import Profile
    from ipmi.records.linear import Linear

POWER_UNIT_STATUS = 0x01
POWER_UNIT_REDUNDANCY = 0x02
SYSTEM_RESTART = 0x03
CRITICAL_INTERRUPT = 0x04
WATCHDOG = 0x05
FIRST_TEMPERATURE = 0x20
FIRST_SUPPLY_STATUS = 0x50
FIRST_SUPPLY_ANALOG = 0x60
SUPPLY_ANALOG_STEP = 0x08
"""Each supply has so many numbers for its analog sensors."""


def sel_slots(profile: Profile) -> dict[str, int]:
    """Slot index of each supply, by the source of its events."""
    return {f"psu/{table.name}": index for index, table in enumerate(profile.supplies)}


def sel_sensors(profile: Profile) -> dict[str, tuple[int, Linear]]:
    """Index and raw scale of each sensor with limits, by the source of its events."""
    return {
        f"sensor/{table.name}": (index, fit(table.minimum, table.maximum))
        for index, table in enumerate(profile.sensors)
    }
