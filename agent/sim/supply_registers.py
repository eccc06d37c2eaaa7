# SPDX-License-Identifier: Apache-2.0
"""What the PMBus registers of a simulated supply read and take; errors are the kernel's."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, TypeVar

from agent.hardware.pmbus.energy import MODULUS, ROLLOVERS_WRAP, SAMPLES_WRAP
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import StatusWord
from agent.sim.supply import VIN_MIN_V, CrpsSupply

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable

VOUT_MODE_EXPONENT = -9
VOUT_V = 12.1
HIGHEST_ROLE = 4
PEC_SUPPORTED = 0x80
INPUT_LOST_BITS = 0x18
"""STATUS_INPUT: under-voltage fault, off for low input."""
VOUT_OV_BIT = 0x80
FAN_1_BIT = 0x80

BYTES: dict[int, Callable[[CrpsSupply], int]] = {
    Register.OPERATION: lambda s: s.operation,
    Register.CAPABILITY: lambda s: PEC_SUPPORTED,
    Register.VOUT_MODE: lambda s: VOUT_MODE_EXPONENT & 0x1F,
    Register.STATUS_BYTE: lambda s: status_word(s) & 0xFF,
    Register.STATUS_VOUT: lambda s: VOUT_OV_BIT if s.failed else 0,
    Register.STATUS_IOUT: lambda s: 0,
    Register.STATUS_INPUT: lambda s: INPUT_LOST_BITS if s.latched_input or not s.mains else 0,
    Register.STATUS_TEMPERATURE: lambda s: 0,
    Register.STATUS_CML: lambda s: 0,
    Register.STATUS_FANS_1_2: lambda s: FAN_1_BIT if s.fan_failed else 0,
    Register.COLD_REDUNDANCY: lambda s: s.role,
}
NUMBERS: dict[int, Callable[[CrpsSupply], float]] = {
    Register.READ_VIN: lambda s: s.mains_v,
    Register.READ_IIN: lambda s: s.input_w / s.mains_v if s.mains_v else 0.0,
    Register.READ_PIN: lambda s: s.input_w,
    Register.READ_IOUT: lambda s: s.output_w / VOUT_V if s.delivers else 0.0,
    Register.READ_POUT: lambda s: s.output_w if s.delivers else 0.0,
    Register.READ_TEMPERATURE_1: lambda s: 27.0 + (s.output_w * 0.03 if s.delivers else 0.0),
    Register.READ_TEMPERATURE_2: lambda s: 31.0 + (s.output_w * 0.05 if s.delivers else 0.0),
    Register.READ_FAN_SPEED_1: lambda s: 2400.0 + 12.0 * s.output_w if s.delivers and not s.fan_failed else 0.0,
    Register.MFR_VIN_MIN: lambda s: VIN_MIN_V,
    Register.MFR_VIN_MAX: lambda s: 264.0,
    Register.MFR_POUT_MAX: lambda s: s.rated_w,
}
TEXTS: dict[int, Callable[[CrpsSupply], str]] = {
    Register.MFR_ID: lambda s: s.mfr_id,
    Register.MFR_MODEL: lambda s: s.mfr_model,
    Register.MFR_REVISION: lambda s: "A1",
    Register.MFR_SERIAL: lambda s: s.serial,
}


def status_word(supply: CrpsSupply) -> int:
    """A cold standby supply that sleeps shows no fault for it."""
    status = StatusWord(0)
    if supply.latched_input or not supply.mains:
        status |= StatusWord.INPUT | StatusWord.VIN_UV
    if supply.failed:
        status |= StatusWord.VOUT | StatusWord.VOUT_OV
    if supply.fan_failed:
        status |= StatusWord.FANS
    if not (supply.healthy and supply.main_on and supply.operated):
        status |= StatusWord.OFF | StatusWord.POWER_GOOD_NEGATED
    return int(status)


def read_byte(supply: CrpsSupply, command: int) -> int:
    return _known(BYTES, command)(supply)


def read_word(supply: CrpsSupply, command: int) -> int:
    match command:
        case Register.STATUS_WORD:
            return status_word(supply)
        case Register.READ_VOUT:
            return round(VOUT_V / 2.0**VOUT_MODE_EXPONENT) if supply.healthy and supply.main_on else 0
        case Register.POUT_OP_WARN_LIMIT:
            return supply.written.get(command, encode_linear11(supply.rated_w * 1.1))
    return encode_linear11(_known(NUMBERS, command)(supply))


def read_block(supply: CrpsSupply, command: int) -> bytes:
    match command:
        case Register.READ_EIN:
            return _energy(supply.in_ws, supply.samples)
        case Register.READ_EOUT:
            return _energy(supply.out_ws, supply.samples)
    return _known(TEXTS, command)(supply).encode()


def write_byte(supply: CrpsSupply, command: int, value: int) -> None:
    if command == Register.OPERATION:
        supply.operation = value
        return
    if command != Register.COLD_REDUNDANCY:
        raise refused()
    if value <= HIGHEST_ROLE and not supply.role_stuck:
        supply.role = value


def write_word(supply: CrpsSupply, command: int, value: int) -> None:
    if command != Register.POUT_OP_WARN_LIMIT:
        raise refused()
    supply.written[command] = value


def refused() -> OSError:
    return OSError(errno.ENXIO, os.strerror(errno.ENXIO))


def _known(table: dict[int, T], command: int) -> T:
    if command not in table:
        raise refused()
    return table[command]


def _energy(total: float, samples: float) -> bytes:
    rollovers, accumulator = divmod(int(total), MODULUS)
    counted = int(samples) % SAMPLES_WRAP
    return accumulator.to_bytes(2, "little") + bytes((rollovers % ROLLOVERS_WRAP,)) + counted.to_bytes(3, "little")
