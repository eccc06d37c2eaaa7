# SPDX-License-Identifier: Apache-2.0
"""Energy accumulators (READ_EIN, READ_EOUT): average watts between two readings, over every rollover."""

from __future__ import annotations

from dataclasses import dataclass

from agent.hardware.pmbus.registers import ENERGY_BYTES

SAMPLES_WRAP = 1 << 24
ROLLOVERS_WRAP = 1 << 8
MODULUS = 0x8000
"""Most supplies roll over at 15 bits, some at 16: a quirk of the model."""


@dataclass(frozen=True, slots=True)
class EnergyCount:
    """One reading: power summed over samples. 16-bit accumulator, 8-bit rollovers, 24-bit samples, little-endian."""

    accumulator: int
    rollovers: int
    samples: int


def decode_energy(block: bytes) -> EnergyCount | None:
    """None when the block has not six bytes."""
    if len(block) != ENERGY_BYTES:
        return None
    return EnergyCount(int.from_bytes(block[:2], "little"), block[2], int.from_bytes(block[3:], "little"))


def average_w(before: EnergyCount, now: EnergyCount, modulus: int = MODULUS, scale: float = 1.0) -> float | None:
    """Mean power between two readings; None when no sample was taken in between.

    The total wraps after seconds to minutes: readings further apart than that mean nothing, so poll faster.
    """
    samples = (now.samples - before.samples) % SAMPLES_WRAP
    if not samples:
        return None
    total = _total(now, modulus) - _total(before, modulus)
    return total % (modulus * ROLLOVERS_WRAP) / samples * scale


def wraps_after_s(watts: float, samples_per_s: float, modulus: int = MODULUS) -> float:
    """How long the counter can go unread at this power."""
    return modulus * ROLLOVERS_WRAP / (watts * samples_per_s)


def _total(count: EnergyCount, modulus: int) -> int:
    return count.accumulator + count.rollovers * modulus
