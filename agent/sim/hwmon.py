# SPDX-License-Identifier: Apache-2.0
"""The simulated plant's hwmon chips: the attributes that the profile's sensors and fans use, errors as the kernel's."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from agent.hardware.hwmon import HwmonChip
from agent.profile.thermal_tables import Quantity
from agent.sim.fan import PWM_MAX, FanMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.profile.schema import Profile
    from agent.sim.plant import Plant

Place = tuple[HwmonChip, str]


class SimulatedHwmon:
    """Implements agent.hardware.hwmon.HwmonPort. A sensor that is read by a label has the attribute `tempN_input`,
    N from 100 in the order of the profile."""

    def __init__(self, profile: Profile, plant: Plant, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._plant = plant
        self._clock_ns = clock_ns
        self._sensors: dict[Place, str] = {}
        self._labels: dict[tuple[HwmonChip, str, str], str] = {}
        self._pwm: dict[Place, str] = {}
        self._enable: dict[Place, str] = {}
        self._tach: dict[Place, str] = {}
        for number, sensor in enumerate(profile.sensors, 100):
            chip = HwmonChip(sensor.chip, sensor.device)
            if sensor.adapter == "hwmon":
                kind = "temp" if sensor.quantity is Quantity.TEMPERATURE else "humidity"
                attribute = sensor.attribute or f"{kind}{number}_input"
                self._sensors[(chip, attribute)] = sensor.name
                self._labels[(chip, kind, sensor.channel)] = attribute
        for fan in profile.fans:
            chip = HwmonChip(fan.chip, fan.device)
            self._pwm[(chip, f"pwm{fan.pwm}")] = fan.name
            self._enable[(chip, f"pwm{fan.pwm}_enable")] = fan.name
            if fan.tach is not None:
                self._tach[(chip, f"fan{fan.tach}_input")] = fan.name

    def read(self, chip: HwmonChip, attribute: str) -> int:
        place = (chip, attribute)
        self._plant.settle(self._clock_ns())
        if place in self._sensors:
            return round(self._plant.measured(self._sensors[place]) * 1000)
        if place in self._pwm:
            return self._plant.fans[self._pwm[place]].pwm
        if place in self._enable:
            return self._plant.fans[self._enable[place]].mode.value
        if place in self._tach:
            return round(self._plant.fans[self._tach[place]].rpm)
        raise _no(chip, attribute)

    def read_optional(self, chip: HwmonChip, attribute: str) -> int | None:
        known = (self._sensors, self._pwm, self._enable, self._tach)
        return self.read(chip, attribute) if any((chip, attribute) in places for places in known) else None

    def write(self, chip: HwmonChip, attribute: str, value: int) -> None:
        place = (chip, attribute)
        if place in self._pwm and 0 <= value <= PWM_MAX:
            self._plant.drive_fan(self._pwm[place], self._clock_ns(), pwm=value)
        elif place in self._enable and value in tuple(FanMode):
            self._plant.drive_fan(self._enable[place], self._clock_ns(), mode=FanMode(value))
        elif place in self._pwm or place in self._enable:
            raise OSError(errno.EINVAL, f"{chip}: {attribute}: {os.strerror(errno.EINVAL)}")
        else:
            raise _no(chip, attribute)

    def attribute_of(self, chip: HwmonChip, kind: str, label: str) -> str:
        if (chip, kind, label) not in self._labels:
            raise _no(chip, f"channel {label!r}")
        return self._labels[(chip, kind, label)]


def _no(chip: HwmonChip, attribute: str) -> OSError:
    return OSError(errno.ENOENT, f"{chip}: {attribute}: {os.strerror(errno.ENOENT)}")
