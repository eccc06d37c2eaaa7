# SPDX-License-Identifier: Apache-2.0
"""A simulated CRPS supply: what its PMBus registers read, and its cold-redundancy role."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from agent.hardware.pmbus import Register, StatusInput, StatusWord, encode_linear11

VOUT_MODE_EXPONENT = -9
VOUT_V = 12.1
MAINS_V = 230.0
LEGAL_ROLES = range(5)


@dataclass
class CrpsSupply:
    """State of one slot. `output_w` and `main_on` are set by the share bus; everything else by the outside world."""

    address: int
    rated_w: float
    serial: str
    mfr_id: str
    mfr_model: str
    present: bool = True
    mains: bool = True
    failed: bool = False
    role: int = 0
    awake: bool = True
    """False while a cold standby supply sleeps."""
    main_on: bool = False
    output_w: float = 0.0

    @property
    def healthy(self) -> bool:
        return self.present and self.mains and not self.failed

    @property
    def input_w(self) -> float:
        """What it draws: a fixed loss, a proportional one, and copper losses with the square of the load."""
        if not self.healthy:
            return 0.0
        if not (self.main_on and self.awake):
            return 2.5
        return self.output_w * 1.03 + 6.0 + 4e-5 * self.output_w**2

    def power_up(self) -> None:
        """Mains or insertion: a supply forgets its role and starts as standard redundant."""
        self.role, self.awake = 0, True

    # ------------------------------------------------------------------ registers

    def read_byte(self, command: int) -> int:
        self._answer()
        match command:
            case Register.VOUT_MODE:
                return VOUT_MODE_EXPONENT & 0x1F
            case Register.STATUS_INPUT:
                return 0 if self.mains else StatusInput.VIN_UV_FAULT | StatusInput.OFF_LOW_INPUT
            case Register.COLD_REDUNDANCY:
                return self.role
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def read_word(self, command: int) -> int:
        self._answer()
        delivering = self.healthy and self.main_on and self.awake
        vin_v = MAINS_V if self.mains else 0.0
        match command:
            case Register.STATUS_WORD:
                return self._status_word()
            case Register.READ_VOUT:
                powered = self.healthy and self.main_on
                return round(VOUT_V / 2.0**VOUT_MODE_EXPONENT) if powered else 0
            case Register.READ_VIN:
                value = vin_v
            case Register.READ_IIN:
                value = self.input_w / vin_v if vin_v else 0.0
            case Register.READ_PIN:
                value = self.input_w
            case Register.READ_IOUT:
                value = self.output_w / VOUT_V if delivering else 0.0
            case Register.READ_POUT:
                value = self.output_w if delivering else 0.0
            case Register.READ_TEMPERATURE_1:
                value = 27.0 + (self.output_w * 0.03 if delivering else 0.0)
            case Register.READ_FAN_SPEED_1:
                value = 2400.0 + 12.0 * self.output_w if delivering else 0.0
            case _:
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        return encode_linear11(value)

    def read_block(self, command: int) -> bytes:
        self._answer()
        texts = {Register.MFR_ID: self.mfr_id, Register.MFR_MODEL: self.mfr_model, Register.MFR_SERIAL: self.serial}
        for register, text in texts.items():
            if command == register:
                return text.encode()
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def write_byte(self, command: int, value: int) -> None:
        self._answer()
        if command != Register.COLD_REDUNDANCY:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        if value in LEGAL_ROLES:
            self.role = value

    def _answer(self) -> None:
        if not self.present:
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))

    def _status_word(self) -> int:
        status = StatusWord(0)
        if not self.mains:
            status |= StatusWord.INPUT | StatusWord.VIN_UV | StatusWord.OFF | StatusWord.POWER_GOOD_NEGATED
        if self.failed:
            status |= StatusWord.VOUT | StatusWord.VOUT_OV | StatusWord.OFF | StatusWord.POWER_GOOD_NEGATED
        if not self.main_on:
            status |= StatusWord.OFF | StatusWord.POWER_GOOD_NEGATED
        return int(status)
