# SPDX-License-Identifier: Apache-2.0
"""A simulated fan behind a pwm output: its speed follows the duty, unless it is stalled."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

FULL_RPM = 6000.0
SPIN_S = 0.5
"""Time constant of spinning up or down."""
PWM_MAX = 255
FIRMWARE_PWM = 102
"""What the firmware's own control gives: 40 %."""


class FanMode(enum.IntEnum):
    """pwmN_enable of the kernel's hwmon interface."""

    FULL = 0
    MANUAL = 1
    FIRMWARE = 2


class FanHappening(enum.Enum):
    """What may happen to a fan. The value is the word of `pgood sim fan`."""

    STALL = "stall"
    NORMAL = "normal"


@dataclass
class SimulatedFan:
    pwm: int = FIRMWARE_PWM
    mode: FanMode = FanMode.FIRMWARE
    stalled: bool = False
    rpm: float = FULL_RPM * FIRMWARE_PWM / PWM_MAX

    @property
    def duty(self) -> float:
        """0 to 1, as the output drives."""
        return 1.0 if self.mode is FanMode.FULL else self.pwm / PWM_MAX

    @property
    def air(self) -> float:
        """What it moves, as a part of what it can."""
        return self.rpm / FULL_RPM

    def happen(self, what: FanHappening) -> None:
        self.stalled = what is FanHappening.STALL

    def advance(self, elapsed_s: float) -> None:
        if self.mode is FanMode.FIRMWARE:
            self.pwm = FIRMWARE_PWM
        target = 0.0 if self.stalled else FULL_RPM * self.duty
        self.rpm += (target - self.rpm) * -math.expm1(-elapsed_s / SPIN_S)


def air_factor(fans: list[SimulatedFan]) -> float:
    """By how much the air of all fans changes the rise of a temperature: 1 at half speed, more in still air."""
    if not fans:
        return 1.0
    air = sum(fan.air for fan in fans) / len(fans)
    return 1 / (0.4 + 1.2 * air)
