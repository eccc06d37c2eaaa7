# SPDX-License-Identifier: Apache-2.0
"""How much of a bus the polling takes, from the list of transactions: see docs/architecture.md for the table."""

from __future__ import annotations

from agent.hardware.pmbus.registers import BYTE_WIDE, ENERGIES, ENERGY_BYTES, FULL_SET, Register

BITS_PER_BYTE = 9
"""Eight and the acknowledge."""
START_STOP_BITS = 3
STATUS_HZ = 10
FULL_HZ = 1


def data_bytes(register: Register) -> int:
    """Bytes that a read of the register returns, the length byte of a block included."""
    if register in ENERGIES:
        return 1 + ENERGY_BYTES
    return 1 if register in BYTE_WIDE else 2


def read_us(register: Register, clock_hz: int, pec: bool, gap_us: float) -> float:
    """One read: address, command, address again, data, perhaps PEC; then the rest that the supply needs."""
    sent = 3 + data_bytes(register) + pec
    return (sent * BITS_PER_BYTE + START_STOP_BITS) * 1e6 / clock_hz + gap_us


def share_of_bus(supplies: int, clock_hz: int = 100_000, pec: bool = True, gap_us: float = 300.0) -> float:
    """The part of each second (1.0 = all of it) that polling so many supplies takes, every register present."""
    status_us = read_us(Register.STATUS_WORD, clock_hz, pec, gap_us)
    full_us = sum(read_us(register, clock_hz, pec, gap_us) for register in FULL_SET)
    return supplies * (STATUS_HZ * status_us + FULL_HZ * full_us) / 1e6
