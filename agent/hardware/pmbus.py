# SPDX-License-Identifier: Apache-2.0
"""PMBus numbers and registers (PMBus Part II): LINEAR11, LINEAR16, status bits, the readings of one supply."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from agent.hardware.smbus import no_such_register

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.hardware.smbus import SmbusPort

T = TypeVar("T")

TRIES = 3
GAP_S = 0.0003
"""Some supplies need 300 us between transactions (Murata D1U family data sheets)."""


class Register(enum.IntEnum):
    """PMBus command codes; COLD_REDUNDANCY is manufacturer-specific (M-CRPS D0h)."""

    VOUT_MODE = 0x20
    STATUS_WORD = 0x79
    STATUS_INPUT = 0x7C
    READ_VIN = 0x88
    READ_IIN = 0x89
    READ_VOUT = 0x8B
    READ_IOUT = 0x8C
    READ_TEMPERATURE_1 = 0x8D
    READ_FAN_SPEED_1 = 0x90
    READ_POUT = 0x96
    READ_PIN = 0x97
    MFR_ID = 0x99
    MFR_MODEL = 0x9A
    MFR_SERIAL = 0x9E
    COLD_REDUNDANCY = 0xD0


class StatusWord(enum.IntFlag):
    NONE_OF_THE_ABOVE = 1 << 0
    CML = 1 << 1
    TEMPERATURE = 1 << 2
    VIN_UV = 1 << 3
    IOUT_OC = 1 << 4
    VOUT_OV = 1 << 5
    OFF = 1 << 6
    BUSY = 1 << 7
    UNKNOWN = 1 << 8
    OTHER = 1 << 9
    FANS = 1 << 10
    POWER_GOOD_NEGATED = 1 << 11
    MFR = 1 << 12
    INPUT = 1 << 13
    IOUT = 1 << 14
    VOUT = 1 << 15


class StatusInput(enum.IntFlag):
    PIN_OP_WARNING = 1 << 0
    IIN_OC_WARNING = 1 << 1
    IIN_OC_FAULT = 1 << 2
    OFF_LOW_INPUT = 1 << 3
    VIN_UV_FAULT = 1 << 4
    VIN_UV_WARNING = 1 << 5
    VIN_OV_WARNING = 1 << 6
    VIN_OV_FAULT = 1 << 7


INPUT_LOST = StatusInput.VIN_UV_FAULT | StatusInput.OFF_LOW_INPUT
FAILED = StatusWord.VOUT_OV | StatusWord.IOUT_OC | StatusWord.TEMPERATURE | StatusWord.VOUT


def decode_linear11(word: int) -> float:
    """Value of a LINEAR11 word: 5-bit signed exponent above an 11-bit signed mantissa."""
    exponent = word >> 11
    mantissa = word & 0x7FF
    exponent -= 32 if exponent & 0x10 else 0
    mantissa -= 2048 if mantissa & 0x400 else 0
    return float(mantissa * 2.0**exponent)


def encode_linear11(value: float) -> int:
    """The LINEAR11 word nearest to `value`. Raises ValueError beyond +-33.5 million."""
    for exponent in range(-16, 16):
        mantissa = round(value / 2.0**exponent)
        if -1024 <= mantissa <= 1023:
            return (exponent & 0x1F) << 11 | mantissa & 0x7FF
    raise ValueError(f"{value} does not fit LINEAR11")


def decode_linear16(word: int, vout_mode: int) -> float | None:
    """Volts from a LINEAR16 word and VOUT_MODE; None when the mode is not linear."""
    if vout_mode >> 5:
        return None
    exponent = vout_mode & 0x1F
    return float(word * 2.0 ** (exponent - 32 if exponent & 0x10 else exponent))


@dataclass(frozen=True, slots=True)
class SupplyIdentity:
    mfr_id: str
    mfr_model: str
    serial: str


@dataclass(frozen=True, slots=True)
class SupplyReadings:
    """One sampling instant of one supply; None = the supply does not have the register."""

    mono_ns: int
    status: StatusWord
    status_input: StatusInput
    vin_v: float | None
    iin_a: float | None
    pin_w: float | None
    vout_v: float | None
    iout_a: float | None
    pout_w: float | None
    temperature_c: float | None
    fan_rpm: float | None

    @property
    def input_lost(self) -> bool:
        return bool(self.status_input & INPUT_LOST) or bool(self.status & StatusWord.VIN_UV)

    @property
    def failed(self) -> bool:
        """A fault of the supply itself, as far as STATUS_WORD tells it."""
        return bool(self.status & FAILED)


class PmbusSupply:
    """Driver of one supply. Blocking: used on the bus's thread only. Methods raise OSError after bounded tries."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._missing: set[Register] = set()
        self._vout_mode: int | None = None

    def forget(self) -> None:
        """Another supply may be in the slot: learn its registers anew."""
        self._missing.clear()
        self._vout_mode = None

    def identity(self, port: SmbusPort) -> SupplyIdentity:
        return SupplyIdentity(
            *(self._text(port, r) for r in (Register.MFR_ID, Register.MFR_MODEL, Register.MFR_SERIAL))
        )

    def role(self, port: SmbusPort) -> int:
        return self._try(lambda: port.read_byte_data(self._address, Register.COLD_REDUNDANCY))

    def write_role(self, port: SmbusPort, role: int) -> None:
        self._try(lambda: port.write_byte_data(self._address, Register.COLD_REDUNDANCY, role))

    def readings(self, port: SmbusPort) -> SupplyReadings:
        status = StatusWord(self._try(lambda: port.read_word_data(self._address, Register.STATUS_WORD)))
        status_input = self._byte(port, Register.STATUS_INPUT)
        if self._vout_mode is None:
            self._vout_mode = self._byte(port, Register.VOUT_MODE)
        vout = self._word(port, Register.READ_VOUT)
        mode = self._vout_mode
        return SupplyReadings(
            mono_ns=time.monotonic_ns(),
            status=status,
            status_input=StatusInput(status_input or 0),
            vin_v=self._linear11(port, Register.READ_VIN),
            iin_a=self._linear11(port, Register.READ_IIN),
            pin_w=self._linear11(port, Register.READ_PIN),
            vout_v=None if vout is None or mode is None else decode_linear16(vout, mode),
            iout_a=self._linear11(port, Register.READ_IOUT),
            pout_w=self._linear11(port, Register.READ_POUT),
            temperature_c=self._linear11(port, Register.READ_TEMPERATURE_1),
            fan_rpm=self._linear11(port, Register.READ_FAN_SPEED_1),
        )

    def _linear11(self, port: SmbusPort, register: Register) -> float | None:
        word = self._word(port, register)
        return None if word is None else decode_linear11(word)

    def _word(self, port: SmbusPort, register: Register) -> int | None:
        return self._optional(register, lambda: port.read_word_data(self._address, register))

    def _byte(self, port: SmbusPort, register: Register) -> int | None:
        return self._optional(register, lambda: port.read_byte_data(self._address, register))

    def _text(self, port: SmbusPort, register: Register) -> str:
        raw = self._optional(register, lambda: port.read_block_data(self._address, register))
        return "" if raw is None else raw.rstrip(b"\x00 ").decode("ascii", "replace")

    def _optional(self, register: Register, read: Callable[[], T]) -> T | None:
        """A register that a supply may not have: refused once while the supply answers otherwise, never asked again."""
        if register in self._missing:
            return None
        try:
            return self._try(read)
        except OSError as error:
            if not no_such_register(error):
                raise
            self._missing.add(register)
            return None

    @staticmethod
    def _try(work: Callable[[], T]) -> T:
        for attempt in range(TRIES):
            time.sleep(GAP_S)
            try:
                return work()
            except OSError:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("unreachable")
