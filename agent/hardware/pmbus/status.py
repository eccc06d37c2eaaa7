# SPDX-License-Identifier: Apache-2.0
"""PMBus status registers and the typed faults in them (PMBus Part II, section 17)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cached_property

from agent.hardware.pmbus.registers import Register

NO_DETAIL = 0


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


class Fault(enum.Enum):
    """One fault or warning of a supply, as text in events and documents."""

    VOUT_OV = "output over-voltage"
    VOUT_OV_WARNING = "output over-voltage warning"
    VOUT_UV_WARNING = "output under-voltage warning"
    VOUT_UV = "output under-voltage"
    IOUT_OC = "output over-current"
    IOUT_OC_LV = "output over-current and under-voltage"
    IOUT_OC_WARNING = "output over-current warning"
    IOUT_UC = "output under-current"
    CURRENT_SHARE = "current sharing"
    POWER_LIMITING = "power limiting"
    POUT_OP = "output over-power"
    POUT_OP_WARNING = "output over-power warning"
    VIN_OV = "input over-voltage"
    VIN_OV_WARNING = "input over-voltage warning"
    VIN_UV_WARNING = "input under-voltage warning"
    VIN_UV = "input under-voltage"
    OFF_LOW_INPUT = "off for low input"
    IIN_OC = "input over-current"
    IIN_OC_WARNING = "input over-current warning"
    PIN_OP_WARNING = "input over-power warning"
    OVER_TEMPERATURE = "over-temperature"
    OVER_TEMPERATURE_WARNING = "over-temperature warning"
    UNDER_TEMPERATURE_WARNING = "under-temperature warning"
    UNDER_TEMPERATURE = "under-temperature"
    BAD_COMMAND = "bad command"
    BAD_DATA = "bad data"
    PEC_FAILED = "packet error"
    MEMORY = "memory"
    PROCESSOR = "processor"
    COMMUNICATION = "communication"
    LOGIC = "logic"
    MFR_SPECIFIC = "manufacturer-specific"
    FAN_1 = "fan 1 failed"
    FAN_2 = "fan 2 failed"
    FAN_3 = "fan 3 failed"
    FAN_4 = "fan 4 failed"
    FAN_1_WARNING = "fan 1 warning"
    FAN_2_WARNING = "fan 2 warning"
    FAN_3_WARNING = "fan 3 warning"
    FAN_4_WARNING = "fan 4 warning"
    AIRFLOW = "airflow failed"
    AIRFLOW_WARNING = "airflow warning"


F = Fault
BITS: dict[Register, tuple[Fault | None, ...]] = {  # bit 7 first, as the specification's tables
    Register.STATUS_VOUT: (F.VOUT_OV, F.VOUT_OV_WARNING, F.VOUT_UV_WARNING, F.VOUT_UV, None, None, None, None),
    Register.STATUS_IOUT: (
        F.IOUT_OC, F.IOUT_OC_LV, F.IOUT_OC_WARNING, F.IOUT_UC,
        F.CURRENT_SHARE, F.POWER_LIMITING, F.POUT_OP, F.POUT_OP_WARNING,
    ),
    Register.STATUS_INPUT: (
        F.VIN_OV, F.VIN_OV_WARNING, F.VIN_UV_WARNING, F.VIN_UV,
        F.OFF_LOW_INPUT, F.IIN_OC, F.IIN_OC_WARNING, F.PIN_OP_WARNING,
    ),
    Register.STATUS_TEMPERATURE: (
        F.OVER_TEMPERATURE, F.OVER_TEMPERATURE_WARNING, F.UNDER_TEMPERATURE_WARNING, F.UNDER_TEMPERATURE,
        None, None, None, None,
    ),
    Register.STATUS_CML: (
        F.BAD_COMMAND, F.BAD_DATA, F.PEC_FAILED, F.MEMORY, F.PROCESSOR, None, F.COMMUNICATION, F.LOGIC,
    ),
    Register.STATUS_FANS_1_2: (
        F.FAN_1, F.FAN_2, F.FAN_1_WARNING, F.FAN_2_WARNING, None, None, F.AIRFLOW, F.AIRFLOW_WARNING,
    ),
    Register.STATUS_FANS_3_4: (F.FAN_3, F.FAN_4, F.FAN_3_WARNING, F.FAN_4_WARNING, None, None, None, None),
}  # fmt: skip

EXPLAINED_BY: dict[StatusWord, tuple[Register, ...]] = {
    StatusWord.VOUT | StatusWord.VOUT_OV: (Register.STATUS_VOUT,),
    StatusWord.IOUT | StatusWord.IOUT_OC: (Register.STATUS_IOUT,),
    StatusWord.INPUT | StatusWord.VIN_UV: (Register.STATUS_INPUT,),
    StatusWord.TEMPERATURE: (Register.STATUS_TEMPERATURE,),
    StatusWord.CML: (Register.STATUS_CML,),
    StatusWord.MFR: (Register.STATUS_MFR_SPECIFIC,),
    StatusWord.FANS: (Register.STATUS_FANS_1_2, Register.STATUS_FANS_3_4),
}
"""Which registers tell more about which bits of STATUS_WORD."""

UNEXPLAINED: dict[StatusWord, tuple[Register, Fault]] = {
    StatusWord.VOUT_OV: (Register.STATUS_VOUT, F.VOUT_OV),
    StatusWord.IOUT_OC: (Register.STATUS_IOUT, F.IOUT_OC),
    StatusWord.VIN_UV: (Register.STATUS_INPUT, F.VIN_UV),
    StatusWord.TEMPERATURE: (Register.STATUS_TEMPERATURE, F.OVER_TEMPERATURE_WARNING),
    StatusWord.FANS: (Register.STATUS_FANS_1_2, F.FAN_1_WARNING),
}
"""What a bit of STATUS_WORD means by itself, on a supply without the register that explains it."""

LOST_INPUT = frozenset({F.VIN_UV, F.OFF_LOW_INPUT})
FAILURES = frozenset(
    {
        F.VOUT_OV, F.VOUT_UV, F.IOUT_OC, F.IOUT_OC_LV, F.POUT_OP, F.VIN_OV, F.IIN_OC,
        F.OVER_TEMPERATURE, F.UNDER_TEMPERATURE,
    }
)  # fmt: skip
"""Faults that stop a supply from delivering."""
FAN_FAILURES = frozenset({F.FAN_1, F.FAN_2, F.FAN_3, F.FAN_4, F.AIRFLOW})
FAN_NAMES = {F.FAN_1.value: "1", F.FAN_2.value: "2", F.FAN_3.value: "3", F.FAN_4.value: "4", F.AIRFLOW.value: "airflow"}
CORRECTABLE = frozenset({F.BAD_DATA, F.PEC_FAILED, F.COMMUNICATION, F.MEMORY, F.LOGIC})
"""Faults that a supply gets over by itself; more and more of them are a trend."""


@dataclass(frozen=True)
class Status:
    """STATUS_WORD and the registers behind it; a register that was not read or is not there is missing."""

    word: StatusWord
    details: tuple[tuple[Register, int], ...] = ()

    @cached_property
    def faults(self) -> frozenset[Fault]:
        found = {
            fault
            for register, value in self.details
            for bit, fault in enumerate(BITS.get(register, ()))
            if fault is not None and value & 0x80 >> bit
        }
        read = {register for register, _ in self.details}
        for bit, (register, fault) in UNEXPLAINED.items():
            if self.word & bit and register not in read:
                found.add(fault)
        if self.word & StatusWord.MFR:
            found.add(F.MFR_SPECIFIC)
        return frozenset(found)

    def detail(self, register: Register) -> int:
        return dict(self.details).get(register, NO_DETAIL)


def registers_to_read(word: StatusWord) -> tuple[Register, ...]:
    """The status registers that explain the bits which are set."""
    return tuple(register for bits, registers in EXPLAINED_BY.items() if word & bits for register in registers)
