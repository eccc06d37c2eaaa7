# SPDX-License-Identifier: Apache-2.0
"""Power that a hardware monitor measures: powerN of any chip, or volts times amperes of one that has no powerN.

INA219, INA226 and their kin tell power1_input; INA3221 only the voltage and the current of its channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.energy.meters.interface import NoReading, Quantity, Reading

if TYPE_CHECKING:
    from agent.hardware.hwmon import HwmonChip, HwmonPort

UW_PER_W = 1_000_000


class HwmonPower:
    """Implements Meter over one channel of one chip."""

    def __init__(
        self, port: HwmonPort, chip: HwmonChip, channel: int = 1, quantity: Quantity = Quantity.NODE_W
    ) -> None:
        self.name = f"{chip} channel {channel}"
        self.quantity = quantity
        self._port = port
        self._chip = chip
        self._channel = channel

    def read(self, now_ns: int) -> Reading | NoReading:
        try:
            microwatts = self._microwatts()
        except OSError as error:
            return NoReading(self.name, error.strerror or str(error))
        if microwatts is None:
            return NoReading(self.name, f"{self._chip} tells neither power nor voltage and current")
        if microwatts < 0:
            return NoReading(self.name, f"{microwatts / UW_PER_W:g} W: its shunt is wired the wrong way round")
        return Reading(self.quantity, microwatts / UW_PER_W, self.name, False, now_ns)

    def _microwatts(self) -> int | None:
        """Raises OSError."""
        for kind in ("input", "average"):
            power = self._port.read_optional(self._chip, f"power{self._channel}_{kind}")
            if power is not None:
                return power
        millivolts = self._port.read_optional(self._chip, f"in{self._channel}_input")
        milliamperes = self._port.read_optional(self._chip, f"curr{self._channel}_input")
        return None if millivolts is None or milliamperes is None else millivolts * milliamperes
