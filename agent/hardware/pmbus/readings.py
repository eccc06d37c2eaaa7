# SPDX-License-Identifier: Apache-2.0
"""What one supply says at one instant, and who it is: frozen values in volts, amperes, watts, Celsius."""

from __future__ import annotations

from dataclasses import dataclass

from agent.hardware.pmbus.status import FAILURES, FAN_FAILURES, LOST_INPUT, Fault, Status, StatusWord

INPUT_PRESENT_V = 20.0
"""Below this there is no mains and no 48 V feed either; a supply that is told no minimum is judged by it."""


HARMLESS = LOST_INPUT | {
    Fault.BAD_COMMAND,
    Fault.MFR_SPECIFIC,
    Fault.POWER_LIMITING,
    Fault.VIN_UV_WARNING,
    Fault.VIN_OV_WARNING,
}
"""What says nothing about the supply's own future: questions it did not understand, and the mains."""


@dataclass(frozen=True, slots=True)
class SupplyIdentity:
    """Text is "" and ratings are None where the supply does not tell them."""

    mfr_id: str = ""
    mfr_model: str = ""
    serial: str = ""
    revision: str = ""
    rated_w: float | None = None
    vin_min_v: float | None = None
    vin_max_v: float | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """One further output page (12 V standby, for example)."""

    page: int
    vout_v: float | None
    iout_a: float | None
    pout_w: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyReadings:
    """One sampling instant of one supply; None = the supply does not have the register."""

    mono_ns: int
    status: Status
    vin_v: float | None = None
    iin_a: float | None = None
    pin_w: float | None = None
    vout_v: float | None = None
    iout_a: float | None = None
    pout_w: float | None = None
    temperatures_c: tuple[float | None, ...] = ()
    fans_rpm: tuple[float | None, ...] = ()
    average_in_w: float | None = None
    """Mean since the last full reading, from the energy counters."""
    average_out_w: float | None = None
    outputs: tuple[Output, ...] = ()
    vin_min_v: float | None = None

    @property
    def temperature_c(self) -> float | None:
        return self.temperatures_c[0] if self.temperatures_c else None

    @property
    def fan_rpm(self) -> float | None:
        return self.fans_rpm[0] if self.fans_rpm else None

    @property
    def delivers(self) -> bool:
        """Power-good and not off: a fault that says otherwise is an old one, latched until somebody clears it."""
        return not self.status.word & (StatusWord.OFF | StatusWord.POWER_GOOD_NEGATED)

    @property
    def input_lost(self) -> bool:
        """The input is gone now. A latched bit does not count once the input is measured to be back."""
        if not self.status.faults & LOST_INPUT:
            return False
        return self.vin_v is None or self.vin_v < INPUT_PRESENT_V

    @property
    def input_out_of_range(self) -> bool:
        """Present, but too low or too high to deliver from: a brown-out, not a pulled plug."""
        if self.delivers or self.vin_v is None or self.vin_v < INPUT_PRESENT_V:
            return False
        low = self.vin_min_v is not None and self.vin_v < self.vin_min_v * 0.9
        return low or bool(self.status.faults & {Fault.VIN_UV_WARNING, Fault.VIN_OV_WARNING, Fault.VIN_OV})

    @property
    def failures(self) -> frozenset[Fault]:
        """Faults of the supply itself that keep it from delivering; what is latched while it delivers is history."""
        return frozenset() if self.delivers or self.input_lost else self.status.faults & FAILURES

    @property
    def warnings(self) -> frozenset[Fault]:
        """What does not stop it yet: warnings, fans, and latched faults of a supply that delivers."""
        if self.input_lost:
            return frozenset()
        return self.status.faults - self.failures - FAN_FAILURES - HARMLESS

    @property
    def fan_failures(self) -> frozenset[Fault]:
        return self.status.faults & FAN_FAILURES

    @property
    def efficiency(self) -> float | None:
        """Output over input; None at no load, where the quotient says nothing."""
        if not self.pin_w or self.pout_w is None or self.pout_w <= 0:
            return None
        return min(1.0, self.pout_w / self.pin_w)
