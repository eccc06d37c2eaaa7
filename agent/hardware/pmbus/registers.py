# SPDX-License-Identifier: Apache-2.0
"""PMBus command codes and what travels for each (PMBus Part II, appendix; D0h: M-CRPS)."""

from __future__ import annotations

import enum


class Register(enum.IntEnum):
    """Command codes that this program knows; the rest of the address space is never touched."""

    PAGE = 0x00
    OPERATION = 0x01
    CAPABILITY = 0x19
    VOUT_MODE = 0x20
    COEFFICIENTS = 0x30
    POUT_OP_WARN_LIMIT = 0x6A
    STATUS_BYTE = 0x78
    STATUS_WORD = 0x79
    STATUS_VOUT = 0x7A
    STATUS_IOUT = 0x7B
    STATUS_INPUT = 0x7C
    STATUS_TEMPERATURE = 0x7D
    STATUS_CML = 0x7E
    STATUS_OTHER = 0x7F
    STATUS_MFR_SPECIFIC = 0x80
    STATUS_FANS_1_2 = 0x81
    STATUS_FANS_3_4 = 0x82
    READ_EIN = 0x86
    READ_EOUT = 0x87
    READ_VIN = 0x88
    READ_IIN = 0x89
    READ_VOUT = 0x8B
    READ_IOUT = 0x8C
    READ_TEMPERATURE_1 = 0x8D
    READ_TEMPERATURE_2 = 0x8E
    READ_TEMPERATURE_3 = 0x8F
    READ_FAN_SPEED_1 = 0x90
    READ_FAN_SPEED_2 = 0x91
    READ_FAN_SPEED_3 = 0x92
    READ_FAN_SPEED_4 = 0x93
    READ_POUT = 0x96
    READ_PIN = 0x97
    PMBUS_REVISION = 0x98
    MFR_ID = 0x99
    MFR_MODEL = 0x9A
    MFR_REVISION = 0x9B
    MFR_SERIAL = 0x9E
    MFR_VIN_MIN = 0xA0
    MFR_VIN_MAX = 0xA1
    MFR_POUT_MAX = 0xA7
    COLD_REDUNDANCY = 0xD0


TEMPERATURES = (Register.READ_TEMPERATURE_1, Register.READ_TEMPERATURE_2, Register.READ_TEMPERATURE_3)
FANS = (Register.READ_FAN_SPEED_1, Register.READ_FAN_SPEED_2, Register.READ_FAN_SPEED_3, Register.READ_FAN_SPEED_4)
DETAILS = (
    Register.STATUS_VOUT,
    Register.STATUS_IOUT,
    Register.STATUS_INPUT,
    Register.STATUS_TEMPERATURE,
    Register.STATUS_CML,
    Register.STATUS_MFR_SPECIFIC,
    Register.STATUS_FANS_1_2,
    Register.STATUS_FANS_3_4,
)
"""Status registers that explain a bit of STATUS_WORD."""
INPUT_NUMBERS = (Register.READ_VIN, Register.READ_IIN, Register.READ_PIN)
OUTPUT_NUMBERS = (Register.READ_VOUT, Register.READ_IOUT, Register.READ_POUT)
ENERGIES = (Register.READ_EIN, Register.READ_EOUT)
ENERGY_BYTES = 6
FULL_SET = (Register.STATUS_WORD, *DETAILS, *INPUT_NUMBERS, *OUTPUT_NUMBERS, *TEMPERATURES, *FANS, *ENERGIES)
"""The most that one full reading asks of a supply with one page."""
BYTE_WIDE = frozenset(
    {*DETAILS, Register.PAGE, Register.CAPABILITY, Register.VOUT_MODE, Register.STATUS_BYTE, Register.COLD_REDUNDANCY}
)
