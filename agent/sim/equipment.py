# SPDX-License-Identifier: Apache-2.0
"""The parts of a simulated world, made from a profile, and the addresses that lead to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.profile.thermal_tables import Quantity
from agent.sim.atx_host import AtxHost
from agent.sim.bus_faults import BusFaults
from agent.sim.button import Button
from agent.sim.fan import SimulatedFan
from agent.sim.humid_air import HumidAir
from agent.sim.sense import PowerGoodSense
from agent.sim.supply import CrpsSupply
from agent.sim.thermal import ThermalMass

if TYPE_CHECKING:
    from agent.profile.schema import Profile

Address = tuple[str, int]
"""Bus and 7-bit address."""

AMBIENT_C = 23.0
MASSES_C_PER_W = {"inlet": (0.004, 120.0), "cpu": (0.16, 20.0)}
"""Rise over ambient per watt of a host's load, the mean of all, and time constant in seconds, by sensor name."""
OTHER_MASS = (0.02, 60.0)


def hosts(profile: Profile) -> dict[str, AtxHost]:
    leds = {name for name, line in profile.lines.items() if line.source == "led"}
    return {
        host.name: AtxHost(
            button=Button(through_board=bool(host.front_power_button) and host.front_panel == "pass"),
            sense=PowerGoodSense(led=host.power_good in leds),
        )
        for host in profile.hosts
    }


def supplies(profile: Profile) -> dict[str, CrpsSupply]:
    return {
        supply.name: CrpsSupply(
            address=supply.address,
            rated_w=supply.rated_w,
            serial=f"SIM{number:04d}",
            mfr_id=supply.mfr_id,
            mfr_model=supply.mfr_model,
        )
        for number, supply in enumerate(profile.supplies, 1)
    }


def bus_faults(profile: Profile) -> dict[str, BusFaults]:
    return {name: BusFaults() for name in profile.buses}


def masses(profile: Profile, now_ns: int) -> dict[str, ThermalMass]:
    """By the names of the temperature sensors on them."""
    return {
        sensor.name: ThermalMass(AMBIENT_C, _constants(sensor.name)[1], now_ns)
        for sensor in profile.sensors
        if sensor.quantity is Quantity.TEMPERATURE
    }


def target_c(sensor: str, load_w: float) -> float:
    """Where a mass ends at this load."""
    return AMBIENT_C + _constants(sensor)[0] * load_w


def humid_air(profile: Profile) -> dict[str, HumidAir]:
    """By the names of the humidity sensors in it."""
    return {sensor.name: HumidAir() for sensor in profile.sensors if sensor.quantity is Quantity.HUMIDITY}


def fans(profile: Profile) -> dict[str, SimulatedFan]:
    return {fan.name: SimulatedFan() for fan in profile.fans}


def supply_addresses(profile: Profile) -> dict[Address, str]:
    return {(supply.bus, supply.address): supply.name for supply in profile.supplies}


def eeprom_addresses(profile: Profile) -> dict[Address, str]:
    """Of the inventory memories, with the names of their supplies."""
    return {(table.bus, table.eeprom): table.name for table in profile.supplies if table.eeprom is not None}


def sensor_addresses(profile: Profile) -> dict[Address, str]:
    return {(sensor.bus, sensor.address): sensor.name for sensor in profile.sensors if sensor.address is not None}


def _constants(name: str) -> tuple[float, float]:
    return MASSES_C_PER_W.get(name, OTHER_MASS)
