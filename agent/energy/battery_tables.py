# SPDX-License-Identifier: Apache-2.0
"""`[energy.battery]`: which battery, who is asked to shut down at its reserve, and when (agent/energy/battery.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from agent.energy.battery import BatteryOptions
from agent.energy.battery_sources import PowerSupplyBattery
from agent.energy.nut import NutBattery, NutOptions
from agent.profile.base import Name, Table

if TYPE_CHECKING:
    from agent.energy.battery_sources import BatterySource
    from agent.energy.sysfs import Sysfs


class BatteryTable(Table, frozen=True):
    """The battery that the machine lives on when the mains fail."""

    kind: Literal["power-supply", "nut"] = "power-supply"
    """What the kernel knows, or a UPS behind a NUT server."""
    device: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.:-]{0,63})?$")] = ""
    """power-supply: this one of /sys/class/power_supply; all of the machine's, unless given."""
    nut: NutOptions | None = None
    """nut: `ups`, `host`, `port`, `timeout_s`."""
    hosts: tuple[Name, ...] | None = None
    """Who is asked to shut down at the reserve; every host, unless given."""
    options: BatteryOptions = BatteryOptions()

    def __post_init__(self) -> None:
        if (self.kind == "nut") is (self.nut is None):
            raise ValueError("kind = 'nut' and a table nut = { ups = ... } belong together")

    def source(self, sysfs: Sysfs) -> BatterySource:
        return PowerSupplyBattery(sysfs, self.device) if self.nut is None else NutBattery(self.nut)
