# SPDX-License-Identifier: Apache-2.0
"""What particular supplies do differently, as data. Evidence for each entry is in its comment."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.hardware.pmbus.energy import MODULUS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.hardware.pmbus.formats import Coefficients
    from agent.hardware.pmbus.registers import Register


class Pec(enum.Enum):
    """AUTO: used when CAPABILITY promises it, the adapter can, and a first read with it succeeds."""

    AUTO = "auto"
    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Quirks:
    """How to talk to a model. Times in microseconds."""

    gap_us: int = 300
    """Rest between two transactions (Murata D1U and ACAN notes ask for 300)."""
    pec: Pec = Pec.AUTO
    block_reads: bool = True
    """False: strings and energy counters are not asked for."""
    energy_modulus: int = MODULUS
    energy_scale: float = 1.0
    pages: int = 1
    role_register: bool = True
    """False: D0h means something else on this part, and is never written."""
    absent: frozenset[Register] = frozenset()
    """Registers that answer, but with nonsense."""
    coefficients: Mapping[Register, Coefficients] = field(default_factory=dict)
    """Registers in DIRECT format, for supplies or adapters without the COEFFICIENTS command."""


@dataclass(frozen=True, slots=True)
class Model:
    """Whom an entry is for: text that MFR_ID and MFR_MODEL must begin with; "" fits all."""

    mfr_id: str
    mfr_model: str


QUIRKS: tuple[tuple[Model, Quirks], ...] = (
    # D0h is PEAK_IOUT, and the energy accumulator rolls over at 16 bits on the 129x (ADI data sheets, AN-1343).
    (Model("ADI", "ADM127"), Quirks(role_register=False)),
    (Model("ADI", "ADM129"), Quirks(energy_modulus=0x10000, role_register=False)),
    # D0h is MFR_ADC_CONFIG; 16-bit rollover (TI data sheet).
    (Model("TI", "INA233"), Quirks(energy_modulus=0x10000, role_register=False)),
    # D0h is READ_VAUX (TI data sheets; the kernel's lm25066 driver).
    (Model("TI", "LM25066"), Quirks(role_register=False)),
    (Model("NSC", "LM25066"), Quirks(role_register=False)),
)

DEFAULT = Quirks()


def quirks_of(mfr_id: str, mfr_model: str) -> Quirks:
    """The entry of a model, the first that fits; the defaults for all others."""
    for model, quirks in QUIRKS:
        if mfr_id.upper().startswith(model.mfr_id) and mfr_model.upper().startswith(model.mfr_model):
            return quirks
    return DEFAULT


def adjusted(quirks: Quirks, gap_us: int | None, pec: str | None, pages: int | None) -> Quirks:
    """The profile's word wins over the table."""
    return replace(
        quirks,
        gap_us=quirks.gap_us if gap_us is None else gap_us,
        pec=quirks.pec if pec is None else Pec(pec),
        pages=quirks.pages if pages is None else pages,
    )
