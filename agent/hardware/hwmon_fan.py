# SPDX-License-Identifier: Apache-2.0
"""A fan on a pwm output of a hwmon chip: driven, read back, and given back as it was found.

pwmN is 0 to 255; pwmN_enable is 0 = full speed, 1 = by pwmN, 2 and more = the chip's own control. Chips round the
duty to their own steps. Source: Documentation/hwmon/sysfs-interface.rst of the kernel.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.hardware.hwmon import HwmonChip, HwmonPort

PWM_MAX = 255
MANUAL = 1
ROUNDING_PWM = 16
"""The coarsest chips have 16 steps."""


@dataclass(frozen=True, slots=True)
class FanSetting:
    """How a pwm output is set. `enable` is None where the chip has no such attribute: it is always by pwm."""

    enable: int | None
    pwm: int

    @property
    def duty_percent(self) -> float:
        return 100.0 if self.enable == 0 else self.pwm * 100 / PWM_MAX


class PwmFan:
    """Calls block: use them on the chip's thread. All raise OSError with a sentence."""

    def __init__(self, chip: HwmonChip, pwm: int, tach: int | None) -> None:
        self.chip = chip
        self._pwm = f"pwm{pwm}"
        self._enable = f"pwm{pwm}_enable"
        self._tach = None if tach is None else f"fan{tach}_input"
        self._last: tuple[int, FanSetting] | None = None
        """What was written last, and what the chip made of it."""

    def setting(self, port: HwmonPort) -> FanSetting:
        return FanSetting(port.read_optional(self.chip, self._enable), port.read(self.chip, self._pwm))

    def rpm(self, port: HwmonPort) -> int | None:
        """None without a tachometer."""
        return None if self._tach is None else port.read(self.chip, self._tach)

    def drive(self, port: HwmonPort, duty_percent: float) -> None:
        """Set the duty, 0 to 100, unless it is so already; a chip that does not take it is an OSError."""
        wanted = round(min(max(duty_percent, 0.0), 100.0) * PWM_MAX / 100)
        if self._last == (wanted, self.setting(port)):
            return
        if port.read_optional(self.chip, self._enable) not in (None, MANUAL):
            port.write(self.chip, self._enable, MANUAL)
        port.write(self.chip, self._pwm, wanted)
        found = self.setting(port)
        if not self._fits(found, wanted):
            raise OSError(
                errno.EIO,
                f"{self.chip}: {self._pwm} was set to {wanted} and reads {found.pwm}"
                + ("" if found.enable in (None, MANUAL) else f", {self._enable} is {found.enable} again"),
            )
        self._last = (wanted, found)

    def hand_back(self, port: HwmonPort, original: FanSetting) -> None:
        """As it was found."""
        if original.enable is None or original.enable == MANUAL:
            self.drive(port, original.pwm * 100 / PWM_MAX)
            return
        port.write(self.chip, self._enable, original.enable)
        found = port.read(self.chip, self._enable)
        if found != original.enable:
            raise OSError(errno.EIO, f"{self.chip}: {self._enable} was set to {original.enable} and reads {found}")

    @staticmethod
    def _fits(found: FanSetting, wanted: int) -> bool:
        return found.enable in (None, MANUAL) and abs(found.pwm - wanted) <= _tolerance(wanted)


def _tolerance(wanted: int) -> int:
    """Rounding may not turn standing still into turning, nor the other way round."""
    return min(ROUNDING_PWM, max(0, wanted - 1))
