# SPDX-License-Identifier: Apache-2.0
"""Sensor numbers of the board, one table for the SDR repository and the SEL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.profile.thermal_tables import Quantity
from ipmi.board import SensorKind
from ipmi.records.linear import fit

if TYPE_CHECKING:
    from agent.profile.schema import Profile, SensorTable
    from ipmi.records.linear import Linear

POWER_UNIT_STATUS = 0x01
POWER_UNIT_REDUNDANCY = 0x02
SYSTEM_RESTART = 0x03
CRITICAL_INTERRUPT = 0x04
WATCHDOG = 0x05
FIRST_TEMPERATURE = 0x20
"""Of the sensors of the profile; most are temperatures."""
FIRST_SUPPLY_STATUS = 0x50
FIRST_SUPPLY_ANALOG = 0x60
SUPPLY_ANALOG_STEP = 0x08
"""Each supply has so many numbers for its analog sensors."""

FIRST_FAN = 0xA8
FIRST_ZONE = 0xC0


@dataclass(frozen=True, slots=True)
class SelSensor:
    """A sensor whose limits make SEL records: its number and type, and the scale of its raw values."""

    number: int
    kind: SensorKind
    linear: Linear


def sensor_kind(table: SensorTable) -> SensorKind:
    return {Quantity.TEMPERATURE: SensorKind.TEMPERATURE, Quantity.HUMIDITY: SensorKind.HUMIDITY}[table.quantity]


def sel_slots(profile: Profile) -> dict[str, int]:
    """Index of each supply and each thermal zone, by the source of its events."""
    supplies = {f"psu/{table.name}": index for index, table in enumerate(profile.supplies)}
    return supplies | {f"thermal/{table.name}": index for index, table in enumerate(profile.zones)}


def sel_sensors(profile: Profile) -> dict[str, SelSensor]:
    """Every sensor with limits, by the source of its events."""
    sensors = {
        f"sensor/{table.name}": SelSensor(
            FIRST_TEMPERATURE + index, sensor_kind(table), fit(table.minimum, table.maximum)
        )
        for index, table in enumerate(profile.sensors)
    }
    fans = {
        f"fan/{table.name}": SelSensor(FIRST_FAN + index, SensorKind.FAN, fit(0.0, float(table.maximum_rpm)))
        for index, table in enumerate(profile.fans)
    }
    return sensors | fans
